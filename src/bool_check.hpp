#pragma once
// Bytes of files are not trusted as bool: using one that is neither 0 nor 1 is undefined behaviour.

#include <cstddef>
#include <span>
#include <string>

namespace larder::detail {

/// format_error (E_DTYPE) that names the first byte of an array's data that is neither 0 nor 1.
void require_bools(const std::string& path, std::span<const std::byte> data);

}  // namespace larder::detail
