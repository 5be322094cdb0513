// expect: larder: a parameter of a cached function is itself a function
#include <functional>
#include <vector>

#include <larder/memory.hpp>

#ifdef CONTROL
using parameter = double;
#else
using parameter = const std::function<double(double)>&;
#endif

std::vector<double> applied(parameter f, int n);

auto cached(const larder::memory& mem) { return mem.cache("applied", applied); }
