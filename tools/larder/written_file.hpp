#pragma once
// What is said of a file that was written.

#include <string>

#include "tools/larder/report.hpp"

namespace larder::command {

/// Its form, type and size. A name that promises NumPy what it will not find there is complained of. io_error, format_error.
finding describe_written(const std::string& path);

}  // namespace larder::command
