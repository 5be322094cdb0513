#include "tools/larder/quantity.hpp"

#include <array>
#include <cstdio>
#include <ctime>
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
  return bytes < 1024 ? size_text(bytes) : size_text(bytes) + " (" + grouped(bytes) + " bytes)";
}

std::string size_text(std::uint64_t bytes) {
  static constexpr std::array<std::string_view, 6> k_units = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return grouped(bytes) + (bytes == 1 ? " byte" : " bytes");
  std::size_t unit = 0;
  double number = static_cast<double>(bytes) / 1024;
  for (; number >= 1023.5 && unit + 1 < k_units.size(); ++unit) number /= 1024;
  return three_digits(number) + " " + std::string(k_units[unit]);
}

std::string entries_text(std::uint64_t number) {
  return grouped(number) + (number == 1 ? " entry" : " entries");
}

std::string duration_text(double seconds) {
  if (seconds < 0.001) return three_digits(seconds * 1e6) + " \u00B5s";
  if (seconds < 1) return three_digits(seconds * 1000) + " ms";
  if (seconds < 120) return three_digits(seconds) + " s";
  if (seconds < 7200) return three_digits(seconds / 60) + " min";
  if (seconds < 48 * 3600) return three_digits(seconds / 3600) + " h";
  return three_digits(seconds / 86400) + " days";
}

std::string time_text(std::chrono::sys_time<std::chrono::nanoseconds> time) {
  const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

std::string percent_text(std::uint64_t part, std::uint64_t whole) {
  return three_digits(100 * static_cast<double>(part) / static_cast<double>(whole)) + " %";
}

}  // namespace larder::command
