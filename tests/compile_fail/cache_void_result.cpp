// expect: larder: a function without a result has nothing to cache
#include <vector>

#include <larder/memory.hpp>

#ifdef CONTROL
using result = std::vector<double>;
#else
using result = void;
#endif

result compute(double x);

auto cached(const larder::memory& mem) { return mem.cache("compute", compute); }
