#include "cache/entry_name.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include <larder/error.hpp>

#include "src/escaped_name.hpp"
#include "src/hex.hpp"

namespace larder::detail {
namespace {

std::uint64_t from_hex(std::string_view digits) noexcept {
  std::uint64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  return value;
}

}  // namespace

std::string escaped(std::string_view text, std::string_view what) {
  if (text.empty()) throw value_error(std::string(what) + " is empty");
  std::string name = escape_name(text);
  if (name.size() > k_longest_file_name - 2) {  // "v-" may come before it
    throw value_error(std::string(what) + " is too long for a file name: " + std::string(text));
  }
  return name;
}

std::optional<std::string> code_id_from(std::string_view name) {
  if (!name.starts_with("v-") && !name.starts_with("b-")) return std::nullopt;
  const auto rest = unescape_name(name.substr(2));
  return rest ? std::optional(std::string(name.substr(0, 2)) + *rest) : std::nullopt;
}

std::string entry_path(const std::string& code_directory, const digest& key) {
  std::array<char, 32> digits;
  put_hex(digits.data(), key.high);
  put_hex(digits.data() + 16, key.low);
  std::string path(code_directory.size() + digits.size() + 2, '/');
  char* at = std::ranges::copy(code_directory, path.data()).out + 1;
  at = std::copy_n(digits.data(), 2, at) + 1;
  std::copy(digits.begin() + 2, digits.end(), at);
  return path;
}

std::string location_of_entry(const std::string& path) {
  std::size_t end = path.size();
  for (int names = 0; names < 4 && end != std::string::npos && end != 0; ++names)
    end = path.rfind('/', end - 1);
  return path.substr(0, end);
}

std::optional<unsigned char> first_key_byte(std::string_view name) noexcept {
  if (name.size() != 2 || !is_hex(name)) return std::nullopt;
  return static_cast<unsigned char>(from_hex(name));
}

unsigned char first_key_byte(const digest& key) noexcept {
  return static_cast<unsigned char>(key.high >> 56);
}

std::string first_key_digits(unsigned char byte) { return hex_of(byte); }

std::optional<digest> entry_key(unsigned char first_byte, std::string_view name) noexcept {
  if (name.size() != 30 || !is_hex(name)) return std::nullopt;
  const std::uint64_t high = std::uint64_t{first_byte} << 56 | from_hex(name.substr(0, 14));
  return digest{.low = from_hex(name.substr(14)), .high = high};
}

}  // namespace larder::detail
