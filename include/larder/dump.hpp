#pragma once
// Writes a value to a file that is ready to be memory-mapped.
//
//   larder::dump(a, "a.npy");                                          // NumPy opens it too
//   larder::dump(std::map<int, larder::array<double>>{…}, "m.larder", {.compress = 3});

#include <filesystem>

#include <larder/detail/value_sink.hpp>
#include <larder/storable.hpp>

namespace larder {

struct dump_options {
  /// zstd level, 1 to 19; 0 is none. What is compressed is smaller and cannot be mapped: loading copies it.
  int compress = 0;
  /// A plain .npy: no digest, no trailer, for readers that refuse bytes after the data. For arrays, uncompressed.
  bool bare_npy = false;
  bool durable = false;  ///< on the medium (fsync of file and directory) before dump returns
};

namespace detail {

class dump_sink final : public value_sink {
 public:
  /// Both live as long.
  dump_sink(const std::filesystem::path& path, const dump_options& options)
      : path_(path), options_(options) {}

  void array(const raw_array& a) override;
  void object(const object_parts& object) override;

 private:
  const std::filesystem::path& path_;
  const dump_options& options_;
};

}  // namespace detail

/// Publishes the file at once and whole: readers see the old file or the new one, and a mapping of the old one stays
/// valid. Equal content gives equal bytes. The arrays in an object, and vectors of elements over 64 KiB, lie in segments
/// of their own, ready to be mapped; handles on the same view share one. On any error nothing is left and what was at
/// `path` is untouched: io_error (no such directory, disk full, not a regular file), value_error (a bad option, values
/// nested more than 256 deep, pointers in a circle, more than 1 GiB of an object apart from its arrays).
/// Takes no memory beyond a few MiB for arrays, the size of the rest of an object and of the large vectors that a user's
/// `serialize` hands over (it may have made them for the call: they are copied), and when compressing, some 10 to 100
/// MiB a thread. Thread-safe.
template <class T>
void dump(const T& value, const std::filesystem::path& path, const dump_options& options = {}) {
  detail::require_storable<T>();
  if constexpr (storable<T>) {  // otherwise all is said
    detail::dump_sink sink(path, options);
    detail::write_value(value, sink);
  }
}

}  // namespace larder
