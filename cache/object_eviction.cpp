#include "cache/object_eviction.hpp"

#include <algorithm>
#include <tuple>

#include "cache/object_use.hpp"
#include "src/atomic_file.hpp"
#include "src/directory_stream.hpp"

namespace larder::detail {

std::uint64_t evict_objects(const std::string& location, std::vector<catalog_object> objects,
                            const std::string& replaced, function_ref<bool(std::uint64_t left)> enough) {
  std::uint64_t left = total_bytes(objects);
  if (enough(left)) return left;
  std::ranges::sort(objects, {},
                    [](const catalog_object& each) { return std::tie(each.last_used, each.file); });
  for (const catalog_object& each : objects) {
    if (each.pinned || each.file == replaced) continue;
    const file_use found = remove_unused(location + "/" + each.file, removable::object);
    if (found == file_use::used) continue;
    left -= each.bytes;
    if (enough(left)) break;
  }
  return left;
}

void sweep_objects(const std::string& location) {
  directory_stream directory(location);
  while (const char* const name = directory.next()) {
    // Who writes such a file, or gives it its name, has it open.
    if (atomic_file::is_temporary(name)) remove_unused(location + "/" + name, removable::left_behind);
  }
}

}  // namespace larder::detail
