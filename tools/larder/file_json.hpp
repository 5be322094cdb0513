#pragma once
// What is in a file, as JSON.

#include <larder/inspect.hpp>

#include <string>

#include <nlohmann/json.hpp>

namespace larder::command {

/// state, type, bytes: what all subcommands say of a file.
nlohmann::json summary_json(const file_info& info);

/// That, the segments and the metadata.
nlohmann::json file_json(const file_info& info);

/// Whether the value of the file is one array.
bool is_array(const file_info& info) noexcept;
/// Of such a value; null of another.
nlohmann::json shape_json(const file_info& info);

/// The metadata, which are not checked when a file is read; a string of them where they are no JSON, or nested too deep.
nlohmann::json metadata_json(const std::string& text);

}  // namespace larder::command
