#pragma once
// The small sealed files that this process reads again and again: to ask whether one is still as it was takes half as long as to open and read
// it.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <time.h>

#include "src/file_structure.hpp"

namespace larder::detail {

/// One look for the file at a path. What was read from it before will do as long as the file there is the same one and nobody has changed it, by
/// its device, inode, size, and the times of its last writing and last change. About a thousand are known; of those that share a place one
/// that is looked for twice in a row displaces the other, and looks for what is not known cost next to nothing. Thread-safe, also across fork.
class known_small_file {
 public:
  /// The path lives as long as this.
  explicit known_small_file(const std::string& path);
  /// At a given time.
  known_small_file(const std::string& path, const ::timespec& now);

  /// All that is in it; null where that is not known.
  const std::shared_ptr<const file_structure>& structure() const noexcept { return structure_; }
  /// When it was last read, as the system says now.
  const ::timespec& accessed() const noexcept { return accessed_; }

  /// To be known from now on, where it is small and sealed and there is a place for it: what was read of it since this look began, and was found
  /// to be sound.
  void remember(const std::shared_ptr<const file_structure>& read) noexcept;

  /// Arrays of this size are never in one.
  static constexpr std::uint64_t k_too_large = 4096;

 private:
  const std::string& path_;
  std::uint64_t name_;
  ::timespec now_{};
  bool takes_place_ =
      false;  // nothing is known there, or the last look that came there was for the same file
  std::shared_ptr<const file_structure> structure_;
  ::timespec accessed_{};
};

}  // namespace larder::detail
