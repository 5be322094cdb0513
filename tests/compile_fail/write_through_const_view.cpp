// expect: read-only|not assignable|const-qualified|returns a const
#include <larder/array.hpp>

#ifdef CONTROL
using element = double;
#else
using element = const double;
#endif

void write(const larder::array<element>& a) { a.view<2, larder::inner::contiguous>()(0, 0) = 1.0; }
