#pragma once
// Writing a file of one array: for dump, reseal and the entries of the cache.

#include <string_view>

#include "src/array_image.hpp"
#include "src/atomic_file.hpp"

namespace larder::detail {

enum class file_form { container, bare_npy };

/// Writes all of a new file; publishing it is the caller's. A bare .npy has no place for metadata (JSON text).
/// io_error, where possible before anything is written.
void write_array(const atomic_file& file, const array_image& image, file_form form,
                 std::string_view metadata = {});

}  // namespace larder::detail
