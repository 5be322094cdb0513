// expect: larder: only a function that leaves its object as it is can be cached
#include <vector>

#include <larder/fields.hpp>
#include <larder/memory.hpp>

struct counter {
  int n = 0;
  LARDER_FIELDS(n)
#ifdef CONTROL
  std::vector<int> next() const { return {n + 1}; }
#else
  std::vector<int> next() { return {++n}; }
#endif
};

auto cached(const larder::memory& mem) { return mem.cache("next", &counter::next); }
