// expect: larder: a cached function's result is const
#include <vector>

#include <larder/memory.hpp>

#ifdef CONTROL
using result = std::vector<double>;
#else
using result = const std::vector<double>;
#endif

result compute(double x);

auto cached(const larder::memory& mem) { return mem.cache("compute", compute); }
