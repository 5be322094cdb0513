// expect: no matching function|constraints not satisfied
#include <larder/array.hpp>

#ifdef CONTROL
using element = double;
#else
using element = const double;
#endif

larder::array<const double> make() { return larder::array<element>::shared({3}); }
