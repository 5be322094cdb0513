#pragma once
// inspect and verify, of a file that is open already.

#include <larder/inspect.hpp>

#include "src/descriptor.hpp"
#include "src/file_structure.hpp"

namespace larder::detail {

/// As larder::inspect. io_error, format_error.
file_info inspect(const descriptor& file, trailer_demand demand);

/// As larder::verify. io_error, format_error.
file_info verify(const descriptor& file, trailer_demand demand);

}  // namespace larder::detail
