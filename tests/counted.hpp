#pragma once
// An array whose elements tell each other apart.

#include <larder/array.hpp>

#include <numeric>

/// 1, 2, 3 ... in row-major order.
inline larder::array<double> counted(const larder::extents& shape) {
  const larder::array<double> a(shape);
  std::iota(a.flat().begin(), a.flat().end(), 1.0);
  return a;
}
