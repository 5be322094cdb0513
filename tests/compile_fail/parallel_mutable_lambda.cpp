// expect: so it has to be callable when const: a lambda must not be `mutable`
#include <vector>

#include <larder/parallel.hpp>

auto mapped(const larder::parallel& pool, const std::vector<int>& xs) {
  int calls = 0;
#ifdef CONTROL
  return pool.map(xs, [calls](int x) { return x + calls; });
#else
  return pool.map(xs, [calls](int x) mutable { return x + ++calls; });
#endif
}
