#pragma once
// A view of an array for inner loops: a pointer with sizes and strides, all in registers, owning nothing.
//
//   auto v = a.view<2>();
//   for (std::size_t i = 0; i < v.shape(0); ++i)
//     for (std::size_t j = 0; j < v.shape(1); ++j) sum += v(i, j);

#include <array>
#include <concepts>
#include <cstddef>
#include <span>

namespace larder {

namespace detail {
/// Bytes to elements. layout_error unless there are strides.size() dimensions.
void element_strides(std::span<const std::size_t> shape, std::span<const std::ptrdiff_t> byte_strides,
                     std::size_t item_size, std::span<std::ptrdiff_t> strides);
}  // namespace detail

/// Valid while an array on the same elements lives. Trivially copyable.
template <class T, std::size_t Rank>
class array_view {
 public:
  /// layout_error unless the array has Rank dimensions.
  array_view(T* data, std::span<const std::size_t> shape, std::span<const std::ptrdiff_t> byte_strides)
      : data_(data) {
    detail::element_strides(shape, byte_strides, sizeof(T), strides_);
    for (std::size_t d = 0; d < Rank; ++d) shape_[d] = shape[d];
  }

  /// The element at an index; each below shape(d), unchecked.
  template <std::integral... I>
    requires(sizeof...(I) == Rank)
  T& operator()(I... index) const noexcept {
    const std::array<std::ptrdiff_t, Rank> at{static_cast<std::ptrdiff_t>(index)...};
    std::ptrdiff_t offset = 0;
    for (std::size_t d = 0; d < Rank; ++d) offset += at[d] * strides_[d];
    return data_[offset];
  }

  T* data() const noexcept { return data_; }
  std::size_t shape(std::size_t dim) const noexcept { return shape_[dim]; }
  /// In elements.
  std::ptrdiff_t stride(std::size_t dim) const noexcept { return strides_[dim]; }

 private:
  T* data_;
  std::array<std::size_t, Rank> shape_{};
  std::array<std::ptrdiff_t, Rank> strides_{};
};

}  // namespace larder
