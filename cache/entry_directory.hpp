#pragma once
// A cache directory: how it is made, and how entries are removed from it. Beside the entries (cache/entry_name.hpp)
// there are
//
//   <location>/.gitignore  CACHEDIR.TAG
//   <location>/.larder-lock      stays, whatever is removed

#include <cstddef>
#include <string>

#include <larder/reduce_options.hpp>

#include "cache/cache_directory.hpp"
#include "cache/catalog.hpp"
#include "cache/entry_name.hpp"

namespace larder::detail {

/// Throws value_error for a directory that cannot be trusted: one of another user (other than root), or one that
/// others may write to (others than its group, where it is shared with that). False where there is none yet, or
/// something else.
bool check_trusted(const cache_directory& directory);

/// Whether a cache left its tag or its lock file in a directory (where other things lay, there may be neither). io_error,
/// also where there is no directory.
bool has_cache_marks(const std::string& location);

/// Makes the location, for this user alone (or for the group). One that is new or empty gets its .gitignore and
/// CACHEDIR.TAG. io_error; ENOENT where somebody removed it meanwhile. value_error for one that cannot be trusted.
void make_location(const cache_directory& directory);

/// The same, with the directory that an entry lies in, and those between.
void make_entry_directory(const cache_directory& directory, const std::string& entry);

/// Whether anything lies at an entry's path; quicker than to open it where nothing does.
bool is_there(const std::string& path) noexcept;

/// The size of the file at an entry's path; 0 where there is none.
std::uint64_t entry_bytes(const std::string& path) noexcept;

/// Removes whatever lies at an entry's path, and says how much that was. Mappings of it stay valid. io_error.
entry_totals remove_one_entry(const std::string& path);

/// Removes the first `count` entries of a catalog, the temporary files that were left behind, and the directories that
/// are empty then. What vanishes meanwhile is fine, and does not count. io_error.
entry_totals remove_entries(const catalog& of, std::size_t count);

/// Removes all of a catalog, with what lies in the place of an entry and is none.
entry_totals remove_all(const catalog& of);

/// The same with what lies below the directory of a function and code, and in a whole cache directory.
entry_totals remove_entries_of_code(const std::string& code_directory);
entry_totals remove_all_entries(const std::string& location);

}  // namespace larder::detail
