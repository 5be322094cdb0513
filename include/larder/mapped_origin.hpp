#pragma once
// Where the elements of a mapped array lie.

#include <cstdint>
#include <string>

#include <larder/mmap_mode.hpp>

namespace larder {

/// Where a mapped array lies in its file, or in shared memory (which has no path).
struct mapped_origin {
  std::string path;          ///< as the file was opened; empty where it has no name
  std::uint64_t offset = 0;  ///< of the array's first element, in bytes
  larder::mmap_mode mode = larder::mmap_mode::read;
};

}  // namespace larder
