#pragma once
// Files that were published whole and read-only: the entries of caches, the objects of stores.

#include <string>

#include <larder/detail/function_ref.hpp>
#include <larder/load.hpp>

#include "src/array_loader.hpp"
#include "src/file_structure.hpp"
#include "src/use_mark.hpp"
#include "src/value_file.hpp"

namespace larder::detail {

/// Hands the file at `path`, opened and checked, to `use`; false where there is none. io_error, format_error (also for a file that
/// is not a sealed container), and what `use` throws. What this process knows already may not be opened: its file() has a path then, and no
/// descriptor.
bool with_sealed_file(const std::string& path, object_demand object, verification verify,
                      const load_policy& arrays, use_mark mark, function_ref<void(value_file&)> use);

}  // namespace larder::detail
