// expect: the operation of map_reduce has to take two values of the type of the initial one
#include <string>
#include <vector>

#include <larder/parallel.hpp>

#ifdef CONTROL
using second = int;
#else
using second = const std::string&;
#endif

int reduced(const larder::parallel& pool, const std::vector<int>& xs) {
  return pool.map_reduce(
      xs, [](int x) { return x; }, 0, [](int a, second) { return a; });
}
