// expect: pass it as arguments after the function
#include <larder/ship.hpp>

auto shipped(double& factor) {
#ifdef CONTROL
  (void)factor;
  return larder::ship([](double x, double k) { return k * x; });
#else
  return larder::ship([&factor](double x) { return factor * x; });
#endif
}
