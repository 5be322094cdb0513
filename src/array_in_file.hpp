#pragma once
// An array that is filled in place, in the file that it will be in.

#include <cstdint>
#include <string>

#include <larder/array.hpp>

#include "src/atomic_file.hpp"

namespace larder::detail {

/// The file has no name before it is committed. Move-only.
class array_in_file {
 public:
  /// Takes all the space first. value_error for a shape that does not fit memory addresses; io_error. `mode` and `at_path` as of
  /// atomic_file.
  array_in_file(const std::string& path, mode_t mode, existing at_path, dtype type, const extents& shape);

  /// Of the whole file, once it is finished.
  static std::uint64_t file_bytes(dtype type, const extents& shape);

  atomic_file& file() noexcept { return file_; }
  /// Zeroed, row-major.
  const raw_array& array() const noexcept { return array_; }
  /// Whether somebody else has a handle on it, in this process.
  bool has_other_handles() const noexcept;

  /// Completes the file with its digest, lets go of the array, and returns the file's size. io_error; then it can be called again.
  std::uint64_t finish();

 private:
  atomic_file file_;
  raw_array array_;
};

}  // namespace larder::detail
