#pragma once
// What goes from a store without anybody having asked for it by name.

#include <cstdint>
#include <string>
#include <vector>

#include <larder/detail/function_ref.hpp>

#include "cache/object_catalog.hpp"

namespace larder::detail {

/// Unlinks what was least recently used until `enough` says so of the bytes that are left, in the whole store. What is pinned or in use
/// stays, and so does the object in the file `replaced`, which another is about to replace. Returns the bytes that are left. io_error.
std::uint64_t evict_objects(const std::string& location, std::vector<catalog_object> objects,
                            const std::string& replaced, function_ref<bool(std::uint64_t left)> enough);

/// Removes what those have left behind that were killed while they put an object. io_error.
void sweep_objects(const std::string& location);

}  // namespace larder::detail
