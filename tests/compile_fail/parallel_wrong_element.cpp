// expect: the function of a parallel call cannot be called as f\(element, shared
#include <string>
#include <vector>

#include <larder/parallel.hpp>

#ifdef CONTROL
using element = int;
#else
using element = const std::string&;
#endif

auto mapped(const larder::parallel& pool, const std::vector<int>& xs) {
  return pool.map(
      xs, [](element x, double) { return x; }, 0.5);
}
