#pragma once
// A view of an array for inner loops: a pointer with sizes and strides, all in registers, owning nothing.
//
//   auto v = a.view<2>();                             // any array of two dimensions
//   auto w = a.view<2, larder::inner::contiguous>();  // neighbours along the last dimension are neighbours in memory
//   for (std::size_t i = 0; i < w.shape(0); ++i)
//     for (std::size_t j = 0; j < w.shape(1); ++j) sum += w(i, j);
//
// Which one: `contiguous` wherever the last dimension is the one of the innermost loop, which is all arrays as they are
// made and loaded, and slices of them along other dimensions, or without a step. The compiler then knows that the
// last stride is 1, and loops compile to what raw pointers would give, vectorised too. An array in Fortran order is
// viewed that way when it is transposed. Without it the view takes every layout, and its loops are those of raw
// pointers with strides: as fast where each element is work, slower where the loop could be vectorised.

#include <array>
#include <concepts>
#include <cstddef>
#include <span>

namespace larder {

/// What a view knows, when it is compiled, of the distance between neighbours along its last dimension.
enum class inner {
  any,         ///< nothing
  contiguous,  ///< it is one element
};

namespace detail {
/// The layout_error of a view: of other dimensions, or because the last is not contiguous.
[[noreturn]] void refuse_view(std::size_t rank, std::size_t array_rank);
}  // namespace detail

/// Valid while an array on the same elements lives. Trivially copyable; passed by value, so that the compiler sees that
/// nothing else can change its sizes.
template <class T, std::size_t Rank, inner Inner = inner::any>
class array_view {
  static_assert(Inner == inner::any || Rank > 0, "larder: without dimensions there is no last one");

 public:
  /// layout_error unless the array has Rank dimensions, of which, if asked for, the last is contiguous (any is that
  /// has at most one index).
  array_view(T* data, std::span<const std::size_t> shape, std::span<const std::ptrdiff_t> byte_strides)
      : data_(data) {
    if (shape.size() != Rank) detail::refuse_view(Rank, shape.size());
    constexpr auto k_item = static_cast<std::ptrdiff_t>(sizeof(T));
    // Without elements nothing is looked at, whatever the strides.
    bool fits = Inner == inner::any;
    for (std::size_t d = 0; d < Rank; ++d) {
      shape_[d] = shape[d];
      fits = fits || shape[d] == 0;
    }
    for (std::size_t d = 0; d < k_strides; ++d) strides_[d] = byte_strides[d] / k_item;
    if constexpr (Inner == inner::contiguous) {
      fits = fits || shape[Rank - 1] == 1 || byte_strides[Rank - 1] == k_item;
      if (!fits) detail::refuse_view(Rank, Rank);
    }
  }

  /// A view that may write is one that only reads, and one that knows its last stride is one that does not.
  template <class U, inner Other>
    requires((std::same_as<T, U> || std::same_as<T, const U>)&&(Inner == inner::any || Other == Inner))
  array_view(const array_view<U, Rank, Other>& other)
  noexcept : data_(other.data()) {
    for (std::size_t d = 0; d < Rank; ++d) shape_[d] = other.shape(d);
    for (std::size_t d = 0; d < k_strides; ++d) strides_[d] = other.stride(d);
  }

  /// The element at an index; each below shape(d), unchecked.
  template <std::integral... I>
    requires(sizeof...(I) == Rank)
  T& operator()(I... index) const noexcept {
    std::size_t d = 0;
    T* at = data_;
    ((at += static_cast<std::ptrdiff_t>(index) * stride(d++)), ...);
    return *at;
  }

  T* data() const noexcept { return data_; }
  std::size_t shape(std::size_t dim) const noexcept { return shape_[dim]; }
  /// In elements.
  std::ptrdiff_t stride(std::size_t dim) const noexcept {
    if constexpr (Inner == inner::contiguous) {
      if (dim == Rank - 1) return 1;
    }
    return strides_[dim];
  }

 private:
  static constexpr std::size_t k_strides = Inner == inner::contiguous ? Rank - 1 : Rank;

  T* data_;
  std::array<std::size_t, Rank> shape_{};
  std::array<std::ptrdiff_t, k_strides> strides_{};
};

}  // namespace larder
