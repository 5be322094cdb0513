#pragma once
// Writing a file: segment by segment, then the index.
//
//   container_writer out(file, {.head = true, .compress = 3});
//   for (const raw_array& a : arrays) out.array(array_image(a));
//   out.text(segment_kind::object, bytes);
//   out.finish();

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <larder/detail/value_sink.hpp>

#include "src/array_image.hpp"
#include "src/atomic_file.hpp"
#include "src/container.hpp"
#include "src/file_structure.hpp"

namespace larder::detail {

/// value_error, naming the caller, unless it is a level that there is.
void check_compress(std::string_view caller, int compress);

/// value_error, naming the caller, for an object that is too large for the format.
void check_object(std::string_view caller, const object_parts& object);

/// Writes a new file from its beginning; publishing it is the caller's. Small pieces go to the file together. io_error.
class container_writer {
 public:
  struct form {
    bool head = false;  // every value but one uncompressed array has one
    int compress = 0;   // zstd level of arrays and objects; 0 is none
  };
  container_writer(const atomic_file& file, const form& how);

  /// A hint of how much is to come, so that a full disk shows early.
  void reserve(std::uint64_t bytes_of_segments);

  void array(const array_image& image);
  /// One whose bytes stand in the file already, at its beginning.
  void array_in_place(const array_image& image);
  /// The object (once, after the arrays) or the metadata (last).
  void text(segment_kind kind, std::string_view bytes);
  /// A segment as it stands in another file.
  void copy(const descriptor& from, const segment& of);

  /// Index and trailer; of an object, its type's fingerprint and schema. Returns the file's size.
  std::uint64_t finish(std::uint64_t fingerprint = 0, std::uint32_t schema = 0);

 private:
  /// Zeros up to where the next segment begins.
  void pad();
  void add(segment added);
  /// Appends bytes at the end of what is there.
  void append(std::span<const std::byte> bytes);
  /// Writes what was held back.
  void flush();

  const descriptor& file_;
  form form_;
  std::uint64_t end_ = 0;
  std::string held_back_;  // the last bytes before end_, which are not in the file yet
  container_index index_;
};

/// Whole files of one value, with metadata (JSON text) if there are any; return their size. Of an object, check_object was
/// called.
std::uint64_t write_array(const atomic_file& file, const array_image& image, int compress,
                          std::string_view metadata = {});
std::uint64_t write_object(const atomic_file& file, const object_parts& object, int compress,
                           std::string_view metadata = {});
/// A plain .npy.
void write_bare_npy(const atomic_file& file, const array_image& image);

}  // namespace larder::detail
