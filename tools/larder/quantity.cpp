#include "tools/larder/quantity.hpp"

#include <array>
#include <cstdio>
#include <string_view>

namespace larder::command {
namespace {

std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, 1, ',');
  return digits;
}

/// With the decimals that make three digits: 1.95, 19.5, 195.
std::string three_digits(double number) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.*f", number < 9.995 ? 2 : number < 99.95 ? 1 : 0, number);
  return text.data();
}

}  // namespace

std::string bytes_text(std::uint64_t bytes) {
  static constexpr std::array<std::string_view, 6> k_units = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  const std::string exact = grouped(bytes) + (bytes == 1 ? " byte" : " bytes");
  if (bytes < 1024) return exact;
  std::size_t unit = 0;
  double number = static_cast<double>(bytes) / 1024;
  for (; number >= 1023.5 && unit + 1 < k_units.size(); ++unit) number /= 1024;
  return three_digits(number) + " " + std::string(k_units[unit]) + " (" + exact + ")";
}

std::string percent_text(std::uint64_t part, std::uint64_t whole) {
  return three_digits(100 * static_cast<double>(part) / static_cast<double>(whole)) + " %";
}

std::string shape_text(std::span<const std::size_t> shape) {
  std::string text = "(";
  for (const std::size_t size : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + (shape.size() == 1 ? ",)" : ")");
}

}  // namespace larder::command
