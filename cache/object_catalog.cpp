#include "cache/object_catalog.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include <sys/stat.h>

#include "src/directory_stream.hpp"
#include "src/object_name.hpp"

namespace larder::detail {

catalog_object describe_object(std::string name, const struct ::stat& file) {
  const file_time created = time_of(file.st_mtim);
  return {.file = std::move(name),
          .bytes = static_cast<std::uint64_t>(file.st_size),
          .created = created,
          .last_used = std::max(created, time_of(file.st_atim)),
          .pinned = (file.st_mode & k_pinned_bit) != 0};
}

std::vector<catalog_object> read_objects(const std::string& location) {
  std::vector<catalog_object> objects;
  directory_stream directory(location);
  while (const char* const name = directory.next()) {
    struct ::stat status {};
    if (object_name(name) && directory.stat(status) && S_ISREG(status.st_mode))
      objects.push_back(describe_object(name, status));
  }
  return objects;
}

std::uint64_t total_bytes(const std::vector<catalog_object>& objects) noexcept {
  return std::accumulate(objects.begin(), objects.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const catalog_object& each) { return sum + each.bytes; });
}

}  // namespace larder::detail
