#pragma once
// Parts of a file, copied to memory with few system calls.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "src/descriptor.hpp"

namespace larder::detail {

/// The first 4 KiB are fetched at once, a file of at most 8 KiB whole; of others the last 4 KiB when they are asked for, once. The bytes are copies, so what was checked
/// is what is used, whatever others do to the file meanwhile; they stay valid as long as this (or the scratch). A file
/// that became shorter is a format_error (E_TRUNCATED).
class file_parts {
 public:
  file_parts(const descriptor& file, std::uint64_t file_bytes);
  file_parts(const file_parts&) = delete;
  file_parts& operator=(const file_parts&) = delete;

  /// At least `wanted` bytes from the start, and more, if the file has them.
  std::span<const std::byte> front(std::size_t wanted);

  /// offset + size <= the file's length. What was not fetched goes to `scratch`.
  std::span<const std::byte> part(std::uint64_t offset, std::uint64_t size, std::vector<std::byte>& scratch);

  /// All of a file that was fetched whole; empty for another.
  std::span<const std::byte> whole() const noexcept;

 private:
  static constexpr std::size_t k_at_once = 4096;

  std::span<const std::byte> fetch(std::uint64_t offset, std::uint64_t size,
                                   std::vector<std::byte>& scratch) const;

  const descriptor& file_;
  std::uint64_t file_bytes_;
  std::array<std::byte, 2 * k_at_once>
      fetched_;  // the whole file, or its beginning and, from last_offset_ on, its end
  std::uint64_t last_offset_ = 0;
  std::span<const std::byte> front_;
  std::vector<std::byte> long_front_;
};

/// Fills `out` from the file; E_TRUNCATED where it ends before.
void read_exactly(const descriptor& file, std::span<std::byte> out, std::uint64_t offset);

}  // namespace larder::detail
