#include "src/byte_size.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <system_error>

#include <larder/error.hpp>

namespace larder::detail {
namespace {

struct unit {
  std::string_view name;
  unsigned power;  // of 2
};
constexpr std::array<unit, 14> k_units = {{{"", 0},
                                           {"b", 0},
                                           {"k", 10},
                                           {"kb", 10},
                                           {"kib", 10},
                                           {"m", 20},
                                           {"mb", 20},
                                           {"mib", 20},
                                           {"g", 30},
                                           {"gb", 30},
                                           {"gib", 30},
                                           {"t", 40},
                                           {"tb", 40},
                                           {"tib", 40}}};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// Takes a number of the kind of `value` from the front of the text.
template <class Number, class... Format>
bool take_number(std::string_view& text, Number& value, Format... format) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, format...);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

std::optional<unsigned> power_of(std::string_view name) {
  std::string lowered(name);
  std::ranges::transform(lowered, lowered.begin(), lower);
  const auto* const found = std::ranges::find(k_units, lowered, &unit::name);
  return found == k_units.end() ? std::nullopt : std::optional(found->power);
}

/// Whole and fraction apart, since a double holds no more than 53 bits.
std::optional<std::uint64_t> parse(std::string_view text) {
  std::uint64_t whole = 0;
  double fraction = 0;
  if (!take_number(text, whole)) return std::nullopt;
  if (text.starts_with('.') && !take_number(text, fraction, std::chars_format::fixed)) return std::nullopt;
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  const auto power = power_of(text);
  if (!power || whole > std::numeric_limits<std::uint64_t>::max() >> *power) return std::nullopt;
  return (whole << *power) + static_cast<std::uint64_t>(std::ldexp(fraction, static_cast<int>(*power)));
}

}  // namespace

std::uint64_t byte_size(std::string_view text, std::string_view option) {
  if (const auto bytes = parse(text)) return *bytes;
  throw value_error(std::string(option) + " = \"" + std::string(text) +
                    "\"; a size in bytes is allowed, with K, M, G or T for powers of 1024: \"123\", "
                    "\"500K\", \"1.5G\"; less than 16777216T");
}

}  // namespace larder::detail
