#include "tools/larder/age.hpp"

#include <larder/error.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <string_view>
#include <system_error>

namespace larder::command {
namespace {

struct unit {
  std::string_view name;
  std::uint32_t seconds;
};
constexpr std::array<unit, 6> k_units = {
    {{"s", 1}, {"m", 60}, {"min", 60}, {"h", 3600}, {"d", 86400}, {"w", 7 * 86400}}};

}  // namespace

std::chrono::seconds age_from(const std::string& text, const std::string& option) {
  std::uint32_t number = 0;  // of 32 bits: the product needs no more than 63
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const auto* const found =
      std::ranges::find(k_units, std::string_view(end, text.data() + text.size()), &unit::name);
  if (error != std::errc() || found == k_units.end()) {
    throw value_error(
        option + " = \"" + text +
        "\"; a whole number and its unit is allowed: s, min (or m), h, d, w, as in \"12h\" or \"30d\"");
  }
  return std::chrono::seconds(std::int64_t{number} * found->seconds);
}

}  // namespace larder::command
