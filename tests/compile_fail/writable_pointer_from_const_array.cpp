// expect: invalid conversion from .const double\*|cannot initialize return object|no viable conversion
#include <larder/array.hpp>

#ifdef CONTROL
using pointer = const double*;
#else
using pointer = double*;
#endif

pointer first(const larder::array<const double>& a) { return a.data(); }
