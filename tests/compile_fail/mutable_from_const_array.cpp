// expect: could not convert|no viable conversion|conversion from
#include <larder/array.hpp>

#ifdef CONTROL
using source = larder::array<double>;
#else
using source = larder::array<const double>;
#endif

larder::array<double> writable(const source& a) { return a; }
