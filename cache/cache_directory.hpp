#pragma once
// Which directory a cache lies in, and for whom.

#include <string>

namespace larder::detail {

struct cache_directory {
  std::string location;  // absolute
  bool group_shared = false;
};

}  // namespace larder::detail
