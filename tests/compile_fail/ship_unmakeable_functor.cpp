// expect: give it a default constructor, or let it be copied trivially
#include <larder/ship.hpp>

struct twice {
  explicit twice(int) {}
#ifndef CONTROL
  twice(const twice&) {}
#endif
  double operator()(double x) const { return 2 * x; }
};

auto shipped() { return larder::ship(twice(1)); }
