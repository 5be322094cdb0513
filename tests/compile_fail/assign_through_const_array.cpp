// expect: read-only|not assignable|const-qualified|returns a const
#include <larder/array.hpp>

#ifdef CONTROL
using element = double;
#else
using element = const double;
#endif

void write(const larder::array<element>& a) { a(0, 1) = 1.0; }
