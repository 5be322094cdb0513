#pragma once
// Writes a value to a file that is ready to be memory-mapped.
//
//   larder::dump(a, "a.npy");      // NumPy opens it too

#include <filesystem>

#include <larder/array.hpp>
#include <larder/storable.hpp>

namespace larder {

struct dump_options {
  int compress = 0;  ///< zstd level; only 0, none, in this version
  bool bare_npy =
      false;  ///< a plain .npy: no digest, no trailer, for readers that refuse bytes after the data
  bool durable = false;  ///< on the medium (fsync of file and directory) before dump returns
};

namespace detail {
void dump_array(const raw_array& a, const std::filesystem::path& path, const dump_options& options);
}

/// Publishes the file at once and whole: readers see the old file or the new one, and a mapping of the old one stays
/// valid. Equal content gives equal bytes. On any error nothing is left and what was at `path` is untouched:
/// io_error (no such directory, disk full, not a regular file), value_error for options of later versions.
/// Takes no memory beyond a few MiB. Thread-safe.
template <storable T>
void dump(const T& value, const std::filesystem::path& path, const dump_options& options = {}) {
  detail::dump_array(detail::as_raw(value), path, options);
}

}  // namespace larder
