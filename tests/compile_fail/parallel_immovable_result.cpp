// expect: returns something that cannot be kept: its type has to be movable
#include <mutex>
#include <vector>

#include <larder/parallel.hpp>

#ifdef CONTROL
using result = int;
#else
using result = std::mutex;
#endif

auto mapped(const larder::parallel& pool, const std::vector<int>& xs) {
  return pool.map(xs, [](int) { return result(); });
}
