// expect: a std::function hides which function it calls, so it cannot go to another process
#include <functional>

#include <larder/ship.hpp>

double twice(double x) { return 2 * x; }

auto shipped() {
#ifdef CONTROL
  return larder::ship(&twice);
#else
  return larder::ship(std::function<double(double)>(&twice));
#endif
}
