// expect: larder: this type cannot be stored
#include <thread>
#include <vector>

#include <larder/memory.hpp>

#ifdef CONTROL
using result = std::vector<double>;
#else
using result = std::vector<std::thread>;
#endif

result compute(double x);

auto cached(const larder::memory& mem) { return mem.cache("compute", compute); }
