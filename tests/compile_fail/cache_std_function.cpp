// expect: larder: a std::function hides which function it calls
#include <functional>
#include <vector>

#include <larder/memory.hpp>

std::vector<double> twice(double x);

#ifdef CONTROL
auto cached(const larder::memory& mem) { return mem.cache("twice", twice); }
#else
auto cached(const larder::memory& mem) {
  return mem.cache("twice", std::function<std::vector<double>(double)>(twice));
}
#endif
