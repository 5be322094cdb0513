#include "cache/entry_inspection.hpp"

#include <fcntl.h>

#include "src/descriptor.hpp"
#include "src/file_inspection.hpp"
#include "src/file_structure.hpp"

namespace larder::detail {
namespace {

descriptor open_entry(const std::string& path) {
  const int fd = open_fd(path, O_RDONLY | O_NOATIME, 0);
  if (fd >= 0) return descriptor(fd, path);
  return descriptor::open(path, O_RDONLY);  // to those who do not own a file, O_NOATIME is forbidden
}

}  // namespace

std::string read_metadata(const std::string& path) {
  return read_structure(open_entry(path), trailer_demand::sealed, object_demand::skip).metadata;
}

file_info inspect_entry(const std::string& path) { return inspect(open_entry(path), trailer_demand::sealed); }

file_info verify_entry(const std::string& path) { return verify(open_entry(path), trailer_demand::sealed); }

}  // namespace larder::detail
