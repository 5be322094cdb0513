#pragma once
// Curves grow-*: one measurement for each size and for each who, by the names of curves.py.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace larder_bench {

/// 10^first, ..., 10^last.
inline std::vector<std::size_t> powers_of_ten(int first, int last) {
  std::vector<std::size_t> all;
  std::size_t power = 1;
  for (int exponent = 0; exponent <= last; ++exponent, power *= 10) {
    if (exponent >= first) all.push_back(power);
  }
  return all;
}

inline std::string point_name(std::string_view curve, std::size_t point, std::string_view who) {
  return std::string(curve) + "@" + std::to_string(point) + "/" + std::string(who);
}

}  // namespace larder_bench
