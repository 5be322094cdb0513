#pragma once
// The directories of stores: made whole, removed whole. In one there are objects (src/object_name.hpp), a lock file (store_settings.hpp), and
// nothing else.

#include <string>
#include <vector>

#include "cache/store_settings.hpp"

namespace larder::detail {

/// Makes the store in one step, where there is no directory: who has a handle on one that was removed, and puts something, finds all
/// of the new one or nothing. What somebody else made meanwhile stays. io_error.
void make_store(const std::string& location, const store_settings& settings);

/// Whether there is something beside the lock file and temporary files. io_error.
bool holds_more_than_a_lock_file(const std::string& location);

/// Objects and what was left behind of some, but not the lock file. What vanishes meanwhile is fine. io_error.
void remove_objects(const std::string& location);

/// By whoever is in the door. What remains of the directory gets another name before it goes: who opens the store anew makes another
/// one, and is not in the way. A directory that others put something into stays, with that. io_error.
void remove_all_of(const std::string& location);

/// Removes the store in this directory with all that lies in it; false where there is none. value_error for a directory that is none, and
/// for one that is not this user's alone; io_error.
bool remove_store(const std::string& location);

/// The names of the stores in store_root(), in no order. Those whose users were killed, and that were not to live
/// longer, are removed. value_error where that is not this user's alone; io_error.
std::vector<std::string> list_stores();

}  // namespace larder::detail
