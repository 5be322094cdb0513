// A program outside this repository: the least that links and runs against the compiled part of larder.
#include <larder/larder.hpp>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  larder::array<double> a({3, 2});
  a.fill(2.5);
  larder::dump(a, argv[1]);
  const auto b = larder::load<larder::array<const double>>(argv[1]);
  return b.shape(0) == 3 && b(2, 1) == 2.5 && larder::hash(a) == larder::hash(b) ? 0 : 1;
}
