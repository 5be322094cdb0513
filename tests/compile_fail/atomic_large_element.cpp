// expect: too large for the processor to write at once
#include <larder/atomic.hpp>

struct three {
  double x[3];
};
#ifdef CONTROL
using element = double;
#else
using element = three;
#endif

void set(element& e) { larder::atomic(e).store(element{}); }
