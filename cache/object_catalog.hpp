#pragma once
// The objects of a store, found in one walk that opens none of them.

#include <cstdint>
#include <string>
#include <vector>

#include "src/file_times.hpp"

struct stat;

namespace larder::detail {

struct catalog_object {
  std::string file;
  std::uint64_t bytes;
  file_time created;    // its mtime
  file_time last_used;  // its atime, or where that is older, its mtime
  bool pinned;
};

/// The permissions of the file of an object: nobody writes to it.
inline constexpr unsigned k_object_mode = 0444;
inline constexpr unsigned k_pinned_bit = 01000;  // (means nothing else for a file)

/// `file` is what stat has of it.
catalog_object describe_object(std::string name, const struct ::stat& file);

/// All objects of the store in this directory. What is none of its is passed over, and so is what vanishes meanwhile. io_error.
std::vector<catalog_object> read_objects(const std::string& location);

std::uint64_t total_bytes(const std::vector<catalog_object>& objects) noexcept;

}  // namespace larder::detail
