// expect: larder: this type cannot be hashed
#include <map>
#include <thread>
#include <vector>

#include <larder/memory.hpp>

#ifdef CONTROL
using part = int;
#else
using part = std::thread;
#endif

std::vector<double> sizes(const std::map<int, std::vector<part>>& x);

auto cached(const larder::memory& mem) { return mem.cache("sizes", sizes); }
