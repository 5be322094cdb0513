#pragma once
// The place where stores that are opened by name lie, and whom a directory has to belong to.

#include <string>

namespace larder::detail {

/// Where stores that are opened by name lie: LARDER_STORE_DIR, or a directory of this user in /dev/shm, or in /tmp. value_error where
/// LARDER_STORE_DIR is no absolute path.
std::string store_root();

/// value_error where stores that are opened by name lie at a place that is not this user's alone; false where there is no such place.
bool check_store_root();

/// Makes the place of stores that are opened by name, if this is one of those. io_error; value_error as above.
void make_root_of(const std::string& location);

/// value_error for the directory of a store that is not this user's alone; io_error; false where there is none.
bool check_private(const std::string& location);

/// For this user alone; one that is there is fine. io_error.
void make_private_directory(const std::string& path);

}  // namespace larder::detail
