// expect: larder: a cached function cannot return a pointer
#include <vector>

#include <larder/memory.hpp>

#ifdef CONTROL
using result = std::vector<double>;
#else
using result = const double*;
#endif

result compute(double x);

auto cached(const larder::memory& mem) { return mem.cache("compute", compute); }
