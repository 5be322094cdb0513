// expect: cannot be one of an array<const T>
#include <larder/array.hpp>
#include <larder/atomic.hpp>

#ifdef CONTROL
using element = int;
#else
using element = const int;
#endif

void count(larder::array<element>& a) { (void)larder::atomic(a(0)); }
