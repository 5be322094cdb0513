#include "cache/cache_directory.hpp"

#include <system_error>

#include <larder/error.hpp>

namespace larder::detail {

std::filesystem::path absolute_location(const std::filesystem::path& location) {
  std::error_code fault;
  std::filesystem::path path = std::filesystem::absolute(location, fault);
  if (fault) throw io_error(location.string(), "cannot make absolute", fault.value());
  while (!path.has_filename() && path.has_relative_path()) path = path.parent_path();
  return path;
}

}  // namespace larder::detail
