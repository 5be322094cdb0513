// expect: larder: this class inherits LARDER_FIELDS from its base
#include <filesystem>

#include <larder/dump.hpp>
#include <larder/fields.hpp>

struct point {
  double x = 0, y = 0;
  LARDER_FIELDS(x, y)
};
struct point3 : point {
  double z = 0;
#ifdef CONTROL
  LARDER_FIELDS(x, y, z)
#endif
};

void store(const point3& v, const std::filesystem::path& path) { larder::dump(v, path); }
