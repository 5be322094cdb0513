// expect: larder: what this function captured, or has as members
#include <vector>

#include <larder/fields.hpp>
#include <larder/memory.hpp>

struct scaled {
  double factor = 1;
#ifdef CONTROL
  LARDER_FIELDS(factor)
#endif
  std::vector<double> operator()(double x) const { return {x * factor}; }
};

auto cached(const larder::memory& mem) { return mem.cache("scaled", scaled()); }
