#pragma once
// When a sealed file was last used: the time of its last reading, which file systems do not keep by themselves as exactly. (The time of
// writing stays that of its creation.)

#include <cstdint>

#include <time.h>

#include "src/descriptor.hpp"
#include "src/file_structure.hpp"

namespace larder::detail {

/// When opening a file marks it as used just now.
enum class use_mark {
  none,    ///< nothing is noted, but by the system itself
  if_old,  ///< unless the last time is recent anyway: it is less than a minute old
  always,
};

/// A use as recent as that is not noted again.
constexpr std::int64_t k_recent_use_seconds = 60;

/// Sets that time to now; false where this process may not: the file is another user's.
bool mark_used(const descriptor& file) noexcept;

/// Whether a file last read at this time was used since it was made, and just now.
bool is_noted(const ::timespec& accessed, const file_structure& of) noexcept;

/// Whether the system has noted by itself that a file was read just now, as most do when it is the first time since the file was made or
/// changed (relatime), which takes a fraction of the time of mark_used(). `before` is what was found before the reading, of a descriptor without O_NOATIME.
bool is_noted_by_system(const descriptor& file, const file_structure& before);

}  // namespace larder::detail
