#include "src/object_name.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>

#include <sys/random.h>

#include <nlohmann/json.hpp>

#include <larder/digest.hpp>
#include <larder/error.hpp>

#include "src/escaped_name.hpp"
#include "src/hex.hpp"

namespace larder::detail {
namespace {

// No text is escaped to what begins with one of these.
constexpr std::string_view k_in_base85 = "%%";
constexpr std::string_view k_nameless = "%r";
constexpr std::size_t k_nameless_digits = 32;

constexpr std::string_view k_digits =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";
constexpr std::uint32_t k_base = k_digits.size();
constexpr std::size_t k_group_bytes = 4;
constexpr std::size_t k_group_digits = 5;

bool is_utf8(std::string_view text) {
  if (std::ranges::all_of(text, [](char c) { return static_cast<signed char>(c) >= 0; })) return true;
  try {
    (void)nlohmann::json(text).dump();
    return true;
  } catch (const nlohmann::json::type_error&) {
    return false;
  }
}

/// Groups of 4 bytes, most significant first, are 5 digits each; of a last group of n bytes the first n + 1.
std::string base85(std::string_view bytes) {
  std::string text;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), k_group_bytes))) {
    const std::size_t count = std::min(bytes.size(), k_group_bytes);
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < k_group_bytes; ++i)
      group = group << 8 | (i < count ? static_cast<unsigned char>(bytes[i]) : 0U);
    std::array<char, k_group_digits> digits{};
    for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit, group /= k_base)
      *digit = k_digits[group % k_base];
    text.append(digits.data(), count + 1);
  }
  return text;
}

/// Nothing for what base85 never gives.
std::optional<std::string> from_base85(std::string_view text) {
  std::string bytes;
  for (std::string_view rest = text; !rest.empty();
       rest.remove_prefix(std::min(rest.size(), k_group_digits))) {
    const std::size_t count = std::min(rest.size(), k_group_digits);
    std::uint64_t group = 0;
    for (std::size_t i = 0; i < k_group_digits; ++i) {
      const std::size_t digit = i < count ? k_digits.find(rest[i]) : k_base - 1;
      if (digit == std::string_view::npos) return std::nullopt;
      group = group * k_base + digit;
    }
    for (std::size_t i = 0; i + 1 < count; ++i) bytes += static_cast<char>(group >> (24 - 8 * i) & 0xFF);
  }
  return base85(bytes) == text ? std::optional(std::move(bytes)) : std::nullopt;
}

}  // namespace

std::string object_file_name(std::string_view name, std::string_view what) {
  const auto refuse = [&](const std::string& why) {
    throw value_error(std::string(what) + " " + why + "; a name is UTF-8 text of 1 to " +
                      std::to_string(k_longest_object_name) + " bytes");
  };
  if (name.empty()) refuse("is empty");
  if (name.size() > k_longest_object_name) refuse("has " + std::to_string(name.size()) + " bytes");
  if (!is_utf8(name)) refuse("is not UTF-8");
  std::string file = escape_name(name);
  if (file.size() > k_longest_file_name) file = std::string(k_in_base85) + base85(name);
  return file;
}

std::string nameless_object_file_name() {
  digest random;
  if (::getrandom(&random, sizeof random, 0) != sizeof random)
    throw io_error("getrandom", "cannot make a name", errno);
  return std::string(k_nameless) + random.hex();
}

bool is_nameless_object(std::string_view file) noexcept {
  return file.starts_with(k_nameless) && file.size() == k_nameless.size() + k_nameless_digits &&
         is_hex(file.substr(k_nameless.size()));
}

std::optional<std::string> object_name(std::string_view file) {
  if (is_nameless_object(file)) return std::string();
  std::optional<std::string> name =
      file.starts_with(k_in_base85) ? from_base85(file.substr(k_in_base85.size())) : unescape_name(file);
  // Each name has one file.
  const bool is_name = name && !name->empty() && name->size() <= k_longest_object_name && is_utf8(*name) &&
                       object_file_name(*name, {}) == file;
  return is_name ? std::move(name) : std::nullopt;
}

}  // namespace larder::detail
