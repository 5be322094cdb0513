// expect: larder: a pointer to an array, or to a base class with virtual functions
#include <filesystem>
#include <memory>
#include <vector>

#include <larder/fields.hpp>
#include <larder/load.hpp>

#ifdef CONTROL
struct shape final {
#else
struct shape {
#endif
  virtual ~shape() = default;
  double size = 0;
  LARDER_FIELDS(size)
};

auto read(const std::filesystem::path& path) {
  return larder::load<std::vector<std::shared_ptr<shape>>>(path);
}
