#pragma once
// An array in a file of its own, filled in place through a mapping (joblib and NumPy 'w+').
//
//   auto out = larder::create<double>("out.npy", {rows, columns});
//   fill(out.array());             // by several threads, say
//   std::move(out).seal();         // now there is an out.npy, whole and with its digest

#include <filesystem>
#include <memory>
#include <utility>

#include <larder/array.hpp>

namespace larder {

struct create_options {
  bool durable = false;  ///< on the medium (fsync of file and directory) before seal returns
};

namespace detail {

struct unsealed_file;  // src/create.cpp

/// Type-erased: the file, its mapping, and what is left to write.
class unsealed_array {
 public:
  unsealed_array(const std::filesystem::path& path, dtype type, const extents& shape,
                 const create_options& options);
  unsealed_array(unsealed_array&&) noexcept;
  unsealed_array& operator=(unsealed_array&&) noexcept;
  ~unsealed_array();

  const raw_array& array() const;
  raw_array seal();

 private:
  std::unique_ptr<unsealed_file> file_;
};

}  // namespace detail

/// Owns a file that has no name until it is sealed: dropping the writer leaves nothing behind, and neither does a
/// crash, but on file systems without nameless files (docs/design.md).
/// Move-only. One thread at a time; the elements may be written by many.
template <element T>
class array_writer {
 public:
  /// Zeroed, row-major, mapped for reading and writing. The mapping outlives the writer: handles stay valid
  /// whether it is sealed or dropped. value_error after seal().
  larder::array<T> array() const { return detail::array_access::wrap<T>(file_.array()); }

  /// Computes the digest, completes the file and gives it its name in one step, replacing what was there.
  /// All writes to the array must be done, and none may follow: verify() would report them as damage.
  /// Returns the array mapped read-only. On an error (io_error) nothing is published.
  larder::array<const T> seal() && { return detail::array_access::wrap<const T>(file_.seal()); }

 private:
  template <element U>
  friend array_writer<U> create(const std::filesystem::path&, const extents&, const create_options&);

  explicit array_writer(detail::unsealed_array file) : file_(std::move(file)) {}

  detail::unsealed_array file_;
};

/// Takes all the space first, so that a full disk is an io_error here and not a SIGBUS in the filling.
/// io_error also where the directory is missing or `path` is something other than a regular file. value_error for a
/// shape that does not fit memory addresses.
template <element T>
array_writer<T> create(const std::filesystem::path& path, const extents& shape,
                       const create_options& options = {}) {
  return array_writer<T>(detail::unsealed_array(path, dtype_of<T>, shape, options));
}

}  // namespace larder
