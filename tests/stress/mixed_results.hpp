#pragma once
// Results of every kind, whose values are known.

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include <larder/array.hpp>
#include <larder/fields.hpp>

namespace mixed_results {

using row = std::vector<int>;
using table = larder::array<const double>;
struct fit {
  int slope = 0;
  table residuals;
  std::map<std::string, row> groups;
  LARDER_FIELDS(slope, residuals, groups)
};

/// Most are small; some are mapped.
inline std::size_t size_of(int key) {
  const auto number = static_cast<std::size_t>(key);
  return number % 5 == 0 ? 2'100 + number % 3'000 : number % 100;
}

template <class R>
R value_of(int key);
template <>
inline row value_of(int key) {
  return row(size_of(key), key);
}
template <>
inline table value_of(int key) {
  const larder::array<double> value({size_of(key)});
  std::ranges::fill(value.flat(), key);
  return value;
}
template <>
inline fit value_of(int key) {
  return {.slope = key, .residuals = value_of<table>(key), .groups = {{"a", value_of<row>(key)}, {"b", {}}}};
}

inline bool is_right(const row& value, int key) { return value == value_of<row>(key); }
inline bool is_right(const table& value, int key) {
  return value.size() == size_of(key) &&
         std::ranges::all_of(value.flat(), [key](double each) { return each == key; });
}
inline bool is_right(const fit& value, int key) {
  return value.slope == key && is_right(value.residuals, key) && value.groups == value_of<fit>(key).groups;
}

}  // namespace mixed_results
