#include <larder/detail/layout.hpp>

#include <algorithm>
#include <limits>
#include <string>

#include <larder/error.hpp>

#include "src/shape_text.hpp"

namespace larder::detail {
namespace {

enum class order { row_major, column_major };

/// Gapless elements. Dimensions of size 0 count as 1 in the strides, as in NumPy.
layout gapless(const extents& shape, std::size_t item_size, order in) {
  const auto sizes = shape.sizes();
  std::array<std::ptrdiff_t, k_max_rank> strides{};
  auto stride = static_cast<std::ptrdiff_t>(item_size);
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const std::size_t d = in == order::column_major ? i : sizes.size() - 1 - i;
    strides[d] = stride;
    // Cannot overflow for an array that exists; for one without elements the value is never used.
    stride =
        static_cast<std::ptrdiff_t>(static_cast<std::size_t>(stride) * std::max<std::size_t>(sizes[d], 1));
  }
  return {sizes, std::span(strides).first(sizes.size())};
}

bool is_gapless(const layout& a, std::size_t item_size, order in) noexcept {
  const auto shape = a.shape();
  const auto strides = a.strides();
  if (std::ranges::find(shape, 0u) != shape.end()) return true;
  auto expected = static_cast<std::ptrdiff_t>(item_size);
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const std::size_t d = in == order::column_major ? i : shape.size() - 1 - i;
    if (shape[d] == 1) continue;
    if (strides[d] != expected) return false;
    expected *= static_cast<std::ptrdiff_t>(shape[d]);
  }
  return true;
}

}  // namespace

std::size_t checked_bytes(const extents& shape, std::size_t item_size) {
  std::size_t bytes = item_size;
  for (const std::size_t n : shape.sizes()) {
    // A zero among the dimensions does not hide the overflow of the others: strides are computed from them.
    if (n != 0 && (__builtin_mul_overflow(bytes, n, &bytes) ||
                   bytes > static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max()))) {
      throw value_error("array: shape " + shape_text(shape.sizes()) + " of " + std::to_string(item_size) +
                        "-byte elements is more than 2^63 bytes");
    }
  }
  return shape.count() * item_size;
}

layout::layout(std::span<const std::size_t> shape, std::span<const std::ptrdiff_t> strides)
    : rank_(shape.size()) {
  if (rank_ <= k_inline) {
    std::copy(shape.begin(), shape.end(), shape_.begin());
    std::copy(strides.begin(), strides.end(), strides_.begin());
  } else {
    auto big = std::make_shared<large>();
    std::copy(shape.begin(), shape.end(), big->shape.begin());
    std::copy(strides.begin(), strides.end(), big->strides.begin());
    large_ = std::move(big);
  }
}

layout layout::row_major(const extents& shape, std::size_t item_size) {
  return gapless(shape, item_size, order::row_major);
}
layout layout::column_major(const extents& shape, std::size_t item_size) {
  return gapless(shape, item_size, order::column_major);
}

std::size_t layout::count() const noexcept {
  std::size_t count = 1;
  for (const std::size_t n : shape()) count *= n;
  return count;
}

bool layout::is_row_major(std::size_t item_size) const noexcept {
  return is_gapless(*this, item_size, order::row_major);
}
bool layout::is_column_major(std::size_t item_size) const noexcept {
  return is_gapless(*this, item_size, order::column_major);
}

}  // namespace larder::detail
