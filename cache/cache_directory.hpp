#pragma once
// Which directory a cache lies in, and for whom.

#include <filesystem>
#include <string>

namespace larder::detail {

struct cache_directory {
  std::string location;  // absolute
  bool group_shared = false;
};

/// As it is meant from here: ".." stays, as it may follow a symbolic link, and "dir/" is "dir". io_error.
std::filesystem::path absolute_location(const std::filesystem::path& location);

}  // namespace larder::detail
