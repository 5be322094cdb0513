// expect: larder: what this function captured, or has as members
#include <vector>

#include <larder/memory.hpp>

auto cached(const larder::memory& mem, double factor) {
#ifdef CONTROL
  static_cast<void>(factor);
  return mem.cache("scaled", [](double x, double by) { return std::vector{x * by}; });
#else
  return mem.cache("scaled", [factor](double x) { return std::vector{x * factor}; });
#endif
}
