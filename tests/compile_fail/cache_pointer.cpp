// expect: larder: a parameter of a cached function is a pointer
#include <span>
#include <vector>

#include <larder/memory.hpp>

#ifdef CONTROL
using parameter = std::span<const double>;
#else
using parameter = const double*;
#endif

std::vector<double> sums(parameter x, int n);

auto cached(const larder::memory& mem) { return mem.cache("sums", sums); }
