#pragma once
// The digest of an array: XXH3-128 of its canonical NPY header and its data; above 4 MiB of data, of the header and
// the digests of the data's 4 MiB chunks (docs/format.md).

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <larder/detail/raw_array.hpp>
#include <larder/digest.hpp>

#include "src/xxh3.hpp"

namespace larder::detail {

inline constexpr std::size_t k_chunk_bytes = std::size_t{4} << 20;

/// Of chunks that are handed over in any order, by any threads: each writes its own place.
class array_digester {
 public:
  /// `header` stays valid while the digester is used.
  array_digester(std::string_view header, std::uint64_t data_bytes);

  /// Chunk i is bytes [i * 4 MiB, (i + 1) * 4 MiB) of the data; the last is what remains. There is always one.
  std::size_t chunk_count() const noexcept { return chunk_count_; }
  std::size_t chunk_size(std::size_t i) const noexcept;

  /// Takes a chunk, each exactly once. Different chunks may be taken by different threads at the same time.
  void take(std::size_t i, std::span<const std::byte> bytes);
  /// The same for a chunk that comes in pieces: begin a stream, feed it the chunk, and hand over what it gives.
  void begin(xxh3_stream& chunk) const noexcept;
  void take_digest(std::size_t i, const digest& chunk) { chunks_[i] = chunk; }

  /// After every chunk was taken (and that happened before this call).
  digest finish() const;

 private:
  std::string_view header_;
  std::uint64_t data_bytes_;
  std::size_t chunk_count_;
  std::vector<digest> chunks_;  // of an array of one chunk: the digest itself
};

/// The digest of data that lie in memory as they would in the file, on several threads if they are large.
digest digest_of(std::string_view header, std::span<const std::byte> data);

}  // namespace larder::detail
