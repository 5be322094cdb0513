#pragma once
// The structures of sealed files that this process has read lately: each array in a file takes a read of its header, and who gets an object
// again and again need not read them all again.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "src/container.hpp"
#include "src/file_structure.hpp"

namespace larder::detail {

/// What a structure is known by. The trailer has the checksum of the index, and that has the digest of every segment: where it is the
/// same, so is all that was read and checked. The rest tells when somebody has written to the file, who should not have.
struct structure_key {
  file_identity file;
  std::uint64_t file_bytes = 0;
  std::int64_t modified_seconds = 0;
  std::int64_t modified_nanoseconds = 0;
  std::array<std::byte, k_block> trailer{};

  friend bool operator==(const structure_key&, const structure_key&) = default;
};

/// Null where it is not known. Thread-safe, also across fork.
std::shared_ptr<const file_structure> find_structure(const structure_key& key);
/// In place of that which was used least recently; not those that take much memory, or no more than two reads.
void remember_structure(const structure_key& key, const file_structure& structure);

}  // namespace larder::detail
