// expect: larder: a parameter of a cached function is a std::span that can be written to
#include <span>
#include <vector>

#include <larder/memory.hpp>

#ifdef CONTROL
using parameter = std::span<const double>;
#else
using parameter = std::span<double>;
#endif

std::vector<double> sums(parameter x);

auto cached(const larder::memory& mem) { return mem.cache("sums", sums); }
