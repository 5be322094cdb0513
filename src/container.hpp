#pragma once
// The end of a container: metadata, index and trailer, as docs/format.md lays them down.
//
//   array segment | zeros to 64 | metadata, zeros to 64 | index head 64, entry 64 … | trailer 64

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <larder/digest.hpp>

namespace larder::detail {

inline constexpr std::size_t k_block =
    64;  // alignment of segments; size of index head, index entry and trailer
inline constexpr std::uint64_t k_index_limit = std::uint64_t{64} << 20;
inline constexpr std::uint64_t k_metadata_limit = std::uint64_t{64} << 20;
inline constexpr std::string_view k_head_magic = "\xD3LRD\r\n\x1A\n";
/// Where the state word lies, from the end of the file, and what it says of a file that was mapped read_write.
inline constexpr std::size_t k_state_from_end = 20;
inline constexpr std::string_view k_dirty = "DRTY";

constexpr std::uint64_t aligned(std::uint64_t offset) noexcept {
  return (offset + k_block - 1) / k_block * k_block;
}

enum class segment_kind : std::uint8_t { array = 1, object = 2, metadata = 3 };

struct segment {
  std::uint64_t offset = 0;
  std::uint64_t stored = 0;
  std::uint64_t raw = 0;
  std::uint32_t npy_header = 0;
  segment_kind kind = segment_kind::array;
  bool has_digest = false;
  larder::digest digest;
};

struct trailer {
  std::uint64_t index_offset = 0;
  std::uint64_t index_bytes = 0;
  std::uint64_t index_checksum = 0;
  bool dirty = false;
};

/// Everything after the data of a single array whose segment (NPY header and data) is [0, array_end).
std::string container_tail(std::uint32_t npy_header, std::uint64_t array_end, const digest& array_digest,
                           std::string_view metadata);
/// The length of that tail, which does not depend on the digest.
std::uint64_t container_tail_bytes(std::uint64_t array_end, std::size_t metadata_bytes) noexcept;

/// Whether the 64 bytes are a sound trailer of a file of this length.
bool is_trailer(std::span<const std::byte> bytes, std::uint64_t file_bytes) noexcept;

/// Reads the last 64 bytes of a file of `file_bytes`. format_error.
trailer parse_trailer(const std::string& path, std::span<const std::byte> bytes, std::uint64_t file_bytes);

/// Reads the index that `from` speaks of: count, checksum, and each entry for itself. Where the segments lie with
/// respect to each other is for the caller to check. format_error.
std::vector<segment> parse_index(const std::string& path, std::span<const std::byte> bytes,
                                 const trailer& from);

}  // namespace larder::detail
