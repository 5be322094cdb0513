#pragma once
// An object as the subcommands of `larder store` show it.

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "cache/object_catalog.hpp"
#include "cache/store_state.hpp"

namespace larder::command {

struct store_object {
  std::string name;  ///< empty for one that was put without
  std::string path;
  detail::catalog_object found;
  bool in_use = false;  ///< by others than whoever looks, who has not opened it yet
};

/// All that there are, sorted by name, those without one at the end. io_error.
std::vector<store_object> read_store(const detail::store_state& state);
/// The one of this name. io_error (ENOENT); value_error for what is no name.
store_object find_object(const detail::store_state& state, const std::string& space, const std::string& name);

/// The name, or "(ref) 1f3a09c2…" for one without; of a single line.
std::string label_of(const std::string& name, const std::string& file);
/// "pinned, in use"
std::string marks_of(const store_object& object);

/// A name, or null.
nlohmann::json name_json(std::string_view name);
/// Name, path, bytes, times and marks.
nlohmann::json object_json(const store_object& object);

}  // namespace larder::command
