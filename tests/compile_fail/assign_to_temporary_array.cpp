// expect: discards qualifiers|no viable overloaded|passing .* as .this. argument|no match for .operator=|deleted
#include <larder/array.hpp>

// Assigning to a handle re-seats it. To the temporary handle that slice() returns that would do nothing, and it reads as
// if it copied elements, which is assign().
void copy_row(larder::array<double>& a, const larder::array<double>& b) {
#ifdef CONTROL
  a.slice(0, 0, 1).assign(b);
  a = b;
#else
  a.slice(0, 0, 1) = b;
#endif
}
