#pragma once
// The content of a file as it stands in hashes, read or remembered (docs/format.md).

#include <cstdint>
#include <ctime>
#include <string>

#include <larder/digest.hpp>

struct stat;

namespace larder::detail {

struct file_digest {
  std::uint64_t bytes;
  digest value;  // XXH3-128 of the bytes; above 4 MiB, of the digests of the 4 MiB chunks
};

/// Reads with several threads, or not at all where the file is as it was when it was read before. io_error. Thread-safe,
/// also in children of fork.
file_digest digest_of_file(const std::string& path);
/// The same at a given time.
file_digest digest_of_file(const std::string& path, const std::timespec& now);

/// What stays the same until a file is changed or another takes its place: device, inode, size, and the times of the last
/// change of content and of status. (The second cannot be set back; the first can, and tools do.)
digest state_of(const struct ::stat& status) noexcept;

/// Whether both times are settled (file_times.hpp).
bool is_settled(const struct ::stat& status, const std::timespec& now) noexcept;

}  // namespace larder::detail
