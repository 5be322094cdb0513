#pragma once
// Texts of arguments, for people.

#include <cstddef>
#include <string>

namespace larder::detail {

/// The text, or its beginning and "…".
std::string cut_text(const std::string& text, std::size_t longest);

}  // namespace larder::detail
