// expect: read-only|not assignable|const-qualified|lvalue required|YOU_ARE_TRYING_TO_WRITE_INTO_A_READ_ONLY|returns a const
#include <larder/interop/eigen.hpp>

#ifdef CONTROL
using element = double;
#else
using element = const double;
#endif

void write(const larder::array<element>& a) { larder::as_eigen(a)(0, 0) = 1.0; }
