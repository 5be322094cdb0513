// expect: larder: a parameter of a cached function is a non-const reference
#include <vector>

#include <larder/memory.hpp>

#ifdef CONTROL
using parameter = const std::vector<double>&;
#else
using parameter = std::vector<double>&;
#endif

std::vector<double> twice(parameter x);

auto cached(const larder::memory& mem) { return mem.cache("twice", twice); }
