#pragma once
// Files that were published whole and read-only: the entries of caches, the objects of stores.

#include <string>

#include <larder/detail/function_ref.hpp>
#include <larder/load.hpp>

#include "src/array_loader.hpp"
#include "src/descriptor.hpp"
#include "src/file_structure.hpp"
#include "src/value_file.hpp"

namespace larder::detail {

/// When opening a file marks it as used just now, by the time of its last reading, which file systems do not keep by themselves as
/// exactly. (The time of writing stays that of its creation.)
enum class use_mark {
  none,    ///< nothing is noted, but by the system itself
  if_old,  ///< unless the last time is recent anyway: it is less than a minute old
  always,
};

/// Sets that time to now; false where this process may not: the file is another user's.
bool mark_used(const descriptor& file) noexcept;

/// Hands the file at `path`, opened and checked, to `use`; false where there is none. io_error, format_error (also for a file that
/// is not a sealed container), and what `use` throws. What this process knows already may not be opened: its file() has a path then, and no
/// descriptor.
bool with_sealed_file(const std::string& path, object_demand object, verification verify,
                      const load_policy& arrays, use_mark mark, function_ref<void(value_file&)> use);

}  // namespace larder::detail
