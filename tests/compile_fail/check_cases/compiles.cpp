// expect: .
int main() {}
