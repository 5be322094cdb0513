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
  /// When it was last used: read, as the system says now, or else as was said when it was remembered.
  const ::timespec& used() const noexcept { return used_; }

  /// To be known from now on, where it is small, sealed and on a file system that answers for its files itself, and there is a place for it:
  /// what was read of it since this look began, and was found to be sound; and when it was used.
  void remember(const descriptor& file, const std::shared_ptr<const file_structure>& read,
                const ::timespec& used) noexcept;

  /// Larger files are not known, and larger arrays are never in one.
  static constexpr std::uint64_t k_most_bytes = 4096;

 private:
  std::uint64_t name_;
  ::timespec now_{};
  bool takes_place_ = false;
  std::shared_ptr<const file_structure> structure_;
  ::timespec used_{};
};

}  // namespace larder::detail
