// expect: no_such_name
int main() { return no_such_name; }
