// expect: larder: only a function that leaves its object as it is can be cached
#include <vector>

#include <larder/memory.hpp>

auto cached(const larder::memory& mem) {
#ifdef CONTROL
  return mem.cache("next", [](int n) { return std::vector{n + 1}; });
#else
  return mem.cache("next", [last = 0](int n) mutable { return std::vector{last += n}; });
#endif
}
