// expect: the function of parallel::submit cannot be called with these arguments
#include <larder/parallel.hpp>

int sum(int a, int b);

auto submitted(const larder::parallel& pool) {
#ifdef CONTROL
  return pool.submit(sum, 1, 2);
#else
  return pool.submit(sum, 1);
#endif
}
