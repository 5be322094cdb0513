#pragma once
// Any text as the name of a file.

#include <optional>
#include <string>
#include <string_view>

namespace larder::detail {

inline constexpr std::size_t k_longest_file_name = 255;

/// Letters, digits, '_', '-' and inner '.' stand for themselves, every other byte is %xx. However long that becomes.
std::string escape_name(std::string_view text);

/// The text that has this name when it is escaped; nothing where none has.
std::optional<std::string> unescape_name(std::string_view name);

}  // namespace larder::detail
