#pragma once
// Entries as they are seen by those who only look at a cache. To look is no use: it leaves the times of last use as they
// are (where the entries are of the same user).

#include <string>

#include <larder/inspect.hpp>

namespace larder::detail {

/// The JSON text in an entry; data of arrays are not read. io_error, format_error (also for a file that is no entry).
std::string read_metadata(const std::string& path);

/// What an entry holds; data of arrays are not read. io_error, format_error.
file_info inspect_entry(const std::string& path);

/// The same, with every byte compared with its digest.
file_info verify_entry(const std::string& path);

}  // namespace larder::detail
