#pragma once
// Parts of a file, copied to memory with few system calls.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "src/descriptor.hpp"

namespace larder::detail {

/// What is asked for first, and the last 4 KiB, are fetched once. The bytes are copies, so what was checked is what is
/// used, whatever others do to the file meanwhile. A file that became shorter is a format_error (E_TRUNCATED).
class file_parts {
 public:
  file_parts(const descriptor& file, std::uint64_t file_bytes);

  /// At least `wanted` bytes from the start, and more, if the file has them.
  std::span<const std::byte> front(std::size_t wanted);

  /// offset + size <= the file's length.
  std::vector<std::byte> part(std::uint64_t offset, std::uint64_t size);

 private:
  std::vector<std::byte> fetch(std::uint64_t offset, std::uint64_t size) const;

  const descriptor& file_;
  std::uint64_t file_bytes_;
  std::vector<std::byte> front_;
  std::vector<std::byte> back_;
};

/// Fills `out` from the file; E_TRUNCATED where it ends before.
void read_exactly(const descriptor& file, std::span<std::byte> out, std::uint64_t offset);

}  // namespace larder::detail
