// expect: read-only|const
int main() {
#ifndef CONTROL
  return no_such_name;
#endif
}
