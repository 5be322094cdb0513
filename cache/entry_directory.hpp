#pragma once
// A cache directory and the names in it:
//
//   <location>/.gitignore  CACHEDIR.TAG
//   <location>/<function>/<code id>/<2 hex>/<30 hex>      an entry; the 32 digits are its key
//
// Function names and versions are escaped: letters, digits, '_', '-' and inner '.' stand for themselves, every
// other byte is %XX. A code id is "v-" and the version, or "b-" and the identity of the build.

#include <string>
#include <string_view>

#include <larder/digest.hpp>

#include "cache/cache_directory.hpp"

namespace larder::detail {

/// As above. value_error where `text` is empty or longer than a file name can be; `what` names it.
std::string escaped(std::string_view text, std::string_view what);

/// In the location, beside the functions' directories; clearing a cache leaves it there.
inline constexpr const char* k_lock_file = ".larder-lock";

/// Throws value_error for a directory that cannot be trusted: one of another user (other than root), or one that
/// others may write to (others than its group, where it is shared with that). False where there is none yet, or
/// something else.
bool check_trusted(const cache_directory& directory);

/// The path of an entry below the directory of its function and code.
std::string entry_path(const std::string& function_directory, const digest& key);

/// Makes the location, for this user alone (or for the group). One that is new or empty gets its .gitignore and
/// CACHEDIR.TAG. io_error; ENOENT where somebody removed it meanwhile. value_error for one that cannot be trusted.
void make_location(const cache_directory& directory);

/// The same, with the directory that an entry lies in, and those between.
void make_entry_directory(const cache_directory& directory, const std::string& entry);

/// Removes whatever lies at an entry's path; nothing there is fine. io_error.
void remove_entry(const std::string& path);

/// Remove entries, temporary files that a killed process left behind, and directories that are empty then; nothing
/// else that lies there. What vanishes meanwhile is fine. io_error.
void remove_entries_of_code(const std::string& function_directory);
void remove_all_entries(const std::string& location);

}  // namespace larder::detail
