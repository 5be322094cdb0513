#pragma once
// What the tests of the object store put, and how they look at what comes of it.

#include <algorithm>
#include <cstddef>

#include <larder/array.hpp>

inline larder::array<double> ramp(std::size_t count, double first = 0) {
  larder::array<double> a({count});
  for (std::size_t i = 0; i < count; ++i) a(i) = first + static_cast<double>(i);
  return a;
}

inline bool same(const larder::array<const double>& a, const larder::array<const double>& b) {
  return std::ranges::equal(a.flat(), b.flat());
}
