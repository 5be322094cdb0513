// expect: larder: this callable is overloaded
#include <vector>

#include <larder/memory.hpp>

auto cached(const larder::memory& mem) {
#ifdef CONTROL
  return mem.cache<std::vector<double>(double)>("one", [](auto x) { return std::vector{x}; });
#else
  return mem.cache("one", [](auto x) { return std::vector{x}; });
#endif
}
