#pragma once
// The element types of arrays, and their numbering at run time.

#include <complex>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include <larder/half.hpp>

namespace larder {

/// An element type at run time. The names are those of the canonical type text: array<f64>.
enum class dtype : std::uint8_t {
  i8,
  i16,
  i32,
  i64,
  u8,
  u16,
  u32,
  u64,
  f32,
  f64,
  f16,
  bf16,
  c64,
  c128,
  boolean
};

/// Bytes per element.
std::size_t item_size(dtype t) noexcept;

/// "f64", as in the canonical type text; "bool" for boolean.
std::string_view name(dtype t) noexcept;

/// "array<f64>": the canonical type text of an array.
std::string type_text(dtype t);

namespace detail {
template <class T>
concept complex_element = std::same_as<T, std::complex<float>> || std::same_as<T, std::complex<double>>;
}  // namespace detail

/// What an array can hold: bool, signed and unsigned integers of 8 to 64 bits, half, bfloat16, float and double, and
/// std::complex of the last two. (Character types are no numbers.)
template <class T>
concept element = std::same_as<T, float> || std::same_as<T, double> || std::same_as<T, half> ||
    std::same_as<T, bfloat16> || detail::complex_element<T> ||
    (std::integral<T> && !std::same_as<T, char> && !std::same_as<T, wchar_t> && !std::same_as<T, char8_t> &&
     !std::same_as<T, char16_t> && !std::same_as<T, char32_t> && sizeof(T) <= 8);

/// The dtype of an element type: dtype_of<const double> is dtype::f64.
template <class T>
  requires element<std::remove_const_t<T>>
inline constexpr dtype dtype_of = [] {
  using value = std::remove_const_t<T>;
  if constexpr (std::same_as<value, bool>) {
    return dtype::boolean;
  } else if constexpr (std::same_as<value, half>) {
    return dtype::f16;
  } else if constexpr (std::same_as<value, bfloat16>) {
    return dtype::bf16;
  } else if constexpr (detail::complex_element<value>) {
    return sizeof(value) == 8 ? dtype::c64 : dtype::c128;
  } else if constexpr (std::floating_point<value>) {
    return sizeof(value) == 4 ? dtype::f32 : dtype::f64;
  } else {
    constexpr std::size_t log2 = sizeof(value) == 1 ? 0 : sizeof(value) == 2 ? 1 : sizeof(value) == 4 ? 2 : 3;
    return static_cast<dtype>(log2 + (std::signed_integral<value> ? 0 : 4));
  }
}();

}  // namespace larder
