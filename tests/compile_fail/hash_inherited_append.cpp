// expect: larder: the hash_append for this type is its base's
#include <vector>

#include <larder/hash.hpp>

struct point {
  double x = 0, y = 0;
  friend void hash_append(larder::hasher& h, const point& p) { h(p.x, p.y); }
};
struct point3 : point {
  double z = 0;
#ifdef CONTROL
  friend void hash_append(larder::hasher& h, const point3& p) { h(p.x, p.y, p.z); }
#endif
};

larder::digest of(const std::vector<point3>& v) { return larder::hash(v); }
