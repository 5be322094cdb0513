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

namespace larder::detail {

/// As above. value_error where `text` is empty or longer than a file name can be; `what` names it.
std::string escaped(std::string_view text, std::string_view what);

/// Throws value_error for a directory that cannot be trusted: one of another user (other than root), or one that
/// others may write to. False where there is none yet, or something else.
bool check_trusted(const std::string& location);

/// The path of an entry below the directory of its function and code.
std::string entry_path(const std::string& function_directory, const digest& key);

/// Makes the directory that an entry lies in, with those above it, for this user alone. A location that is new or
/// empty gets its .gitignore and CACHEDIR.TAG. io_error; ENOENT where somebody removed one of them meanwhile.
/// value_error for a location that cannot be trusted.
void make_entry_directory(const std::string& location, const std::string& entry);

/// Removes whatever lies at an entry's path; nothing there is fine. io_error.
void remove_entry(const std::string& path);

/// Remove entries, temporary files that a killed process left behind, and directories that are empty then; nothing
/// else that lies there. What vanishes meanwhile is fine. io_error.
void remove_entries_of_code(const std::string& function_directory);
void remove_all_entries(const std::string& location);

}  // namespace larder::detail
