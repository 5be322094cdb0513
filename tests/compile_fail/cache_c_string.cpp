// expect: larder: a parameter of a cached function is a char\*
#include <string_view>
#include <vector>

#include <larder/memory.hpp>

#ifdef CONTROL
using parameter = std::string_view;
#else
using parameter = const char*;
#endif

std::vector<double> parsed(parameter text);

auto cached(const larder::memory& mem) { return mem.cache("parsed", parsed); }
