#pragma once
// inspect, verify and convert, of a file that is open already.

#include <cstdint>

#include <larder/inspect.hpp>

#include "src/atomic_file.hpp"
#include "src/descriptor.hpp"
#include "src/file_structure.hpp"

namespace larder::detail {

/// As larder::inspect. io_error, format_error.
file_info inspect(const descriptor& file, trailer_demand demand);

/// As larder::verify. io_error, format_error.
file_info verify(const descriptor& file, trailer_demand demand);

/// As larder::convert, into a file that the caller publishes; returns its size. The options were checked. io_error, format_error, value_error
/// (bare_npy of an object).
std::uint64_t convert(const descriptor& from, const atomic_file& to, const convert_options& options);

}  // namespace larder::detail
