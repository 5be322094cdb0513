// expect: what this function captured, or has as members, cannot go to another process
#include <larder/fields.hpp>
#include <larder/ship.hpp>

struct scale {
  double factor = 1;
  double operator()(double x) const { return factor * x; }
#ifdef CONTROL
  LARDER_FIELDS(factor)
#endif
};

auto shipped() { return larder::ship(scale{2}); }
