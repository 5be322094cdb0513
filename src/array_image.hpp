#pragma once
// An array as it stands in a file: its canonical header, and its data in the order of the file.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <larder/detail/raw_array.hpp>
#include <larder/digest.hpp>

#include "src/array_digest.hpp"
#include "src/descriptor.hpp"

namespace larder::detail {

/// Fortran-contiguous arrays (that are not C-contiguous) keep their order; other views are seen as their C-order
/// copy, which is made a chunk at a time. Refers to the array, which has to live as long.
class array_image {
 public:
  explicit array_image(const raw_array& a);

  const std::string& header() const noexcept { return header_; }
  std::uint64_t data_bytes() const noexcept { return data_bytes_; }
  std::uint64_t bytes() const noexcept { return header_.size() + data_bytes_; }

  /// On several threads if it is large.
  larder::digest digest() const;

  larder::dtype dtype() const noexcept { return array_.dtype; }

  /// Writes header and data from `offset` on and returns the digest, which is computed beside the writing: on several
  /// threads if the array is large.
  larder::digest write_to(const descriptor& file, std::uint64_t offset) const;

  /// The same into memory, for small arrays.
  larder::digest append_to(std::string& bytes) const;

  struct compressed {
    std::uint64_t bytes;
    larder::digest digest;
  };
  /// The same as zstd frames.
  compressed compress_to(const descriptor& file, std::uint64_t offset, int level) const;

 private:
  struct destination {
    const descriptor& file;
    std::uint64_t data_offset;
  };

  /// Hands every chunk to the digester and, unless `to` is null, writes it there, by at most `most` threads.
  void take_chunks(array_digester& digester, unsigned most, const destination* to) const;
  void take_chunk(array_digester& digester, std::size_t i, const destination* to) const;

  /// Where a part of the data is: in the array, or gathered into `scratch`.
  std::span<const std::byte> piece(std::uint64_t begin, std::size_t size,
                                   std::vector<std::byte>& scratch) const;
  std::span<const std::byte> in_place() const noexcept;

  const raw_array& array_;
  bool fortran_order_;
  bool contiguous_;
  std::string header_;
  std::uint64_t data_bytes_;
};

}  // namespace larder::detail
