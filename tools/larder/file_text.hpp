#pragma once
// What is in a file, as text for people.

#include <larder/inspect.hpp>

#include <string>

namespace larder::command {

/// Several lines, the first of which is the path.
std::string file_text(const std::string& path, const file_info& info);
/// Those after the first, which are indented.
std::string content_text(const file_info& info);

/// What the state means for whoever wants to know whether the file is whole: "sealed: ok".
std::string state_text(const file_info& info);

}  // namespace larder::command
