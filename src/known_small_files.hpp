#pragma once
// The small sealed files that this process reads again and again: to ask whether one is still as it was takes half as long as to open and read
// it.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <time.h>

#include "src/descriptor.hpp"
#include "src/file_structure.hpp"

namespace larder::detail {

/// One look for the file at a path. What was read from it before will do as long as the file there is the same one and nobody has changed it, by
/// its device, inode, size, and the times of its last writing and last change. About a thousand are known; of those that share a place one
/// that is looked for often displaces one that no longer is, and looks for what is not known cost next to nothing. Thread-safe, also across
/// fork.
class known_small_file {
 public:
  explicit known_small_file(const std::string& path);
  /// At a given time.
  known_small_file(const std::string& path, const ::timespec& now);

  /// All that is in it; null where that is not known.
  const std::shared_ptr<const file_structure>& structure() const noexcept { return structure_; }
  /// Where it is known, when it was last read, as this look found it.
  const ::timespec& accessed() const noexcept { return accessed_; }
  /// Where it is known, when the look began that remembered it, and whether it could not be marked as used then.
  const ::timespec& opened() const noexcept { return opened_; }
  bool is_unmarkable() const noexcept { return is_unmarkable_; }

  /// To be known from now on, where it is small, sealed and on a file system that answers for its files itself, and there is a place for it:
  /// what was read of it since this look began, and was found to be sound.
  void remember(const descriptor& file, const file_structure& read, bool is_unmarkable = false) noexcept;

  /// Larger files are not known, and larger arrays are never in one.
  static constexpr std::uint64_t k_most_bytes = 4096;
  /// Each file has two places, by the low and the high half of its path's hash, of so many that all share.
  static constexpr std::size_t k_places = 1024;

 private:
  std::uint64_t path_hash_;
  ::timespec now_{};
  std::size_t place_ = 0;
  bool may_take_place_ = false;
  std::shared_ptr<const file_structure> structure_;
  ::timespec accessed_{};
  ::timespec opened_{};
  bool is_unmarkable_ = false;
};

}  // namespace larder::detail
