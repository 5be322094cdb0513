// expect: larder: a parallel call takes a range
#include <vector>

#include <larder/parallel.hpp>

#ifdef CONTROL
using elements = std::vector<int>;
#else
using elements = int;
#endif

auto mapped(const larder::parallel& pool, const elements& xs) {
  return pool.imap(xs, [](int x) { return x; });
}
