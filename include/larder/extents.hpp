#pragma once
// The shape of an array: its number of elements along each dimension.
//
//   larder::array<double> a({1000, 64});     // two dimensions
//   larder::extents scalar;                  // none: one element

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

namespace larder {

/// The most dimensions that an array can have.
inline constexpr std::size_t k_max_rank = 32;

class extents {
 public:
  /// From any integers. One that is negative, or 2^63 or more, or more than k_max_rank of them: value_error.
  template <std::integral... N>
    requires((sizeof(N) <= sizeof(std::size_t)) && ...)
  extents(N... sizes) : rank_(sizeof...(N)) {
    static_assert(sizeof...(N) <= k_max_rank, "larder: an array has at most 32 dimensions");
    [[maybe_unused]] std::size_t d = 0;
    ((sizes_[d++] = checked(sizes)), ...);
  }

  /// The same; as many dimensions as there are sizes.
  explicit extents(std::span<const std::size_t> sizes);

  std::size_t rank() const noexcept { return rank_; }
  std::span<const std::size_t> sizes() const noexcept { return {sizes_.data(), rank_}; }

  /// The number of elements: the product, 1 without dimensions. value_error where it does not fit a size_t.
  std::size_t count() const;

  friend bool operator==(const extents& a, const extents& b) noexcept;

 private:
  template <std::integral N>
  static std::size_t checked(N n) {
    if constexpr (std::signed_integral<N>) {
      if (n < 0) refuse_negative(n);
    } else if constexpr (sizeof(N) == sizeof(std::size_t)) {
      if (n > k_max_size) refuse_large(n);
    }
    return static_cast<std::size_t>(n);
  }
  [[noreturn]] static void refuse_negative(std::intmax_t n);
  [[noreturn]] static void refuse_large(std::size_t n);

  static constexpr std::size_t k_max_size = PTRDIFF_MAX;

  std::array<std::size_t, k_max_rank> sizes_{};
  std::size_t rank_;
};

}  // namespace larder
