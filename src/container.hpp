#pragma once
// The parts of a container beside its segments' bytes: head, index and trailer, as docs/format.md lays them down.
//
//   head 64, unless it begins with an NPY header | segments, each at a multiple of 64 | index head 64, entry 64 … | trailer 64

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <larder/digest.hpp>
#include <larder/inspect.hpp>

namespace larder::detail {

/// Alignment of segments; size of head, index head, index entry and trailer.
inline constexpr std::size_t k_block = 64;
inline constexpr std::uint64_t k_index_limit = std::uint64_t{64} << 20;
inline constexpr std::uint64_t k_metadata_limit = std::uint64_t{64} << 20;
inline constexpr std::uint64_t k_object_limit = std::uint64_t{1} << 30;
/// Of the canonical type text.
inline constexpr std::size_t k_type_limit = std::size_t{64} << 10;
inline constexpr std::string_view k_head_magic = "\xD3LRD\r\n\x1A\n";
/// Where the state word lies, from the end of the file, and what it says of a file that was mapped read_write.
inline constexpr std::size_t k_state_from_end = 20;
inline constexpr std::string_view k_dirty = "DRTY";

constexpr std::uint64_t aligned(std::uint64_t offset) noexcept {
  return (offset + k_block - 1) / k_block * k_block;
}

enum class codec : std::uint8_t { raw = 0, zstd = 1 };

/// One entry of the index.
struct segment {
  std::uint64_t offset = 0;
  std::uint64_t stored = 0;
  std::uint64_t raw = 0;
  std::uint32_t header_bytes = 0;  // of an array: its NPY header
  segment_kind kind = segment_kind::array;
  detail::codec codec = detail::codec::raw;
  bool has_digest = false;
  larder::digest digest{};
  std::uint32_t extended_dtype = 0;
  std::uint64_t alignment = k_block;  // of the data, which begin header_bytes bytes after the offset

  std::uint64_t end() const noexcept { return offset + stored; }
};

struct container_index {
  std::vector<segment> segments;
  std::uint64_t fingerprint = 0;  // of the type text of the object, if there is one
  std::uint32_t schema = 0;       // of its layout
};

struct trailer {
  std::uint64_t index_offset = 0;
  std::uint64_t index_bytes = 0;
  std::uint64_t index_checksum = 0;
  bool dirty = false;
  // What the head repeats.
  std::uint32_t compatible_flags = 0;
  std::uint16_t minor = 0;
};

/// The first 64 bytes of a container that does not begin with an array.
std::string container_head();

/// Index and trailer, which begin at `offset`, a multiple of 64.
std::string index_and_trailer(const container_index& index, std::uint64_t offset);
constexpr std::uint64_t index_and_trailer_bytes(std::size_t segments) noexcept {
  return (segments + 2) * k_block;
}

/// Whether the 64 bytes are a sound trailer of a file of this length.
bool is_trailer(std::span<const std::byte> bytes, std::uint64_t file_bytes) noexcept;

/// Reads the last 64 bytes of a file of `file_bytes`. format_error.
trailer parse_trailer(const std::string& path, std::span<const std::byte> bytes, std::uint64_t file_bytes);

/// Checks the first 64 bytes of a file that begins with the magic of a container. format_error.
void check_head(const std::string& path, std::span<const std::byte> bytes);
/// And that one which was checked agrees with the file's trailer.
void check_head(const std::string& path, std::span<const std::byte> head, const trailer& end);

/// What the index says beside its entries.
struct index_head {
  std::uint32_t segments = 0;
  std::uint64_t fingerprint = 0;
  std::uint32_t schema = 0;
};

/// Checks the bytes of the index that `from` speaks of, and reads how many entries it has. format_error.
index_head parse_index_head(const std::string& path, std::span<const std::byte> index, const trailer& from);
/// Reads one of its entries, and checks it for itself: where the segments lie with respect to each other is for the caller to check. format_error.
segment parse_index_entry(const std::string& path, std::span<const std::byte> index, std::size_t number);

}  // namespace larder::detail
