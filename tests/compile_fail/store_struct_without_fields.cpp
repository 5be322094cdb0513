// expect: larder: this type cannot be stored. For a struct of yours, name its members with LARDER_FIELDS
#include <filesystem>
#include <map>
#include <string>

#include <larder/dump.hpp>
#include <larder/fields.hpp>

struct point {
  double x = 0, y = 0;
#ifdef CONTROL
  LARDER_FIELDS(x, y)
#endif
};

void store(const std::map<std::string, point>& v, const std::filesystem::path& path) {
  larder::dump(v, path);
}
