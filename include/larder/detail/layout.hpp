#pragma once
// The shape of an array and the distance in bytes between neighbours along each dimension.

#include <array>
#include <cstddef>
#include <memory>
#include <span>

#include <larder/extents.hpp>

namespace larder::detail {

/// The bytes of an array: count times item size. value_error where the dimensions other than 0 need 2^63 or more.
std::size_t checked_bytes(const extents& shape, std::size_t item_size);

/// A value type. Up to k_inline dimensions lie in the object itself; more are shared, immutable, on the heap.
class layout {
 public:
  static constexpr std::size_t k_inline = 4;

  layout() noexcept = default;  // no dimensions: one element

  /// `shape` and `strides` are of equal length, at most k_max_rank.
  layout(std::span<const std::size_t> shape, std::span<const std::ptrdiff_t> strides);

  /// One dimension of size 0.
  static layout empty() noexcept {
    layout none;
    none.rank_ = 1;
    return none;
  }

  /// The last dimension varies fastest (C order) or the first does (Fortran order).
  static layout row_major(const extents& shape, std::size_t item_size);
  static layout column_major(const extents& shape, std::size_t item_size);

  std::size_t rank() const noexcept { return rank_; }
  std::span<const std::size_t> shape() const noexcept {
    return {large_ ? large_->shape.data() : shape_.data(), rank_};
  }
  std::span<const std::ptrdiff_t> strides() const noexcept {
    return {large_ ? large_->strides.data() : strides_.data(), rank_};
  }

  /// Byte offset of an element; as many indices as there are dimensions, each within its bounds (unchecked).
  template <std::size_t N>
  std::ptrdiff_t offset_of(const std::array<std::size_t, N>& index) const noexcept {
    const std::ptrdiff_t* stride = N <= k_inline ? strides_.data() : strides().data();
    std::ptrdiff_t offset = 0;
    for (std::size_t d = 0; d < N; ++d) offset += static_cast<std::ptrdiff_t>(index[d]) * stride[d];
    return offset;
  }

  /// The number of elements. It fits: whoever makes a layout has checked it (extents::count).
  std::size_t count() const noexcept;

  /// Whether the elements lie without gaps in C (or Fortran) order. Dimensions of size 1, and arrays without
  /// elements, fit every order, as in NumPy.
  bool is_row_major(std::size_t item_size) const noexcept;
  bool is_column_major(std::size_t item_size) const noexcept;

 private:
  struct large {
    std::array<std::size_t, k_max_rank> shape;
    std::array<std::ptrdiff_t, k_max_rank> strides;
  };

  std::size_t rank_ = 0;
  std::array<std::size_t, k_inline> shape_{};
  std::array<std::ptrdiff_t, k_inline> strides_{};
  std::shared_ptr<const large> large_;
};

}  // namespace larder::detail
