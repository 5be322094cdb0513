#include "src/escaped_name.hpp"

#include <algorithm>
#include <charconv>

namespace larder::detail {
namespace {

constexpr std::string_view k_hex = "0123456789abcdef";

bool stands_for_itself(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
         c == '.';
}

void append_escaped(std::string& name, char c) {
  const bool hides = c == '.' && name.empty();
  if (stands_for_itself(c) && !hides) {
    name += c;
  } else {
    const auto byte = static_cast<unsigned char>(c);
    name += '%';
    name += k_hex[byte >> 4];
    name += k_hex[byte & 0xF];
  }
}

}  // namespace

std::string escape_name(std::string_view text) {
  std::string name;
  name.reserve(text.size());
  for (const char c : text) append_escaped(name, c);
  return name;
}

std::optional<std::string> unescape_name(std::string_view name) {
  std::string text;
  std::string again;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '%') {
      const std::string_view digits = name.substr(i + 1, 2);
      if (digits.size() != 2 || !is_hex(digits)) return std::nullopt;
      unsigned byte = 0;
      std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
      text += static_cast<char>(byte);
      i += 2;
    } else {
      text += name[i];
    }
    append_escaped(again, text.back());
  }
  // Each text has one name: "%61" is none, and neither is what begins with a dot.
  return !text.empty() && again == name ? std::optional(std::move(text)) : std::nullopt;
}

bool is_hex(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace larder::detail
