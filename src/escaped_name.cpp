#include "src/escaped_name.hpp"

#include <charconv>

#include "src/hex.hpp"

namespace larder::detail {
namespace {

bool stands_for_itself(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
         c == '.';
}

void append_escaped(std::string& name, char c) {
  const bool hides = c == '.' && name.empty();
  if (stands_for_itself(c) && !hides) {
    name += c;
  } else {
    name += '%';
    name += hex_of(static_cast<unsigned char>(c));
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

}  // namespace larder::detail
