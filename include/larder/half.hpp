#pragma once
// The two 16-bit floating-point types, for storage: they convert to and from float, in which all arithmetic is done.
//
//   larder::array<larder::half> a({1000});
//   a(0) = 0.1f;                  // rounded to nearest, ties to even
//   float twice = a(0) * 2;
//   a(0) += 1;

#include <bit>
#include <cstdint>
#include <limits>

namespace larder {

namespace detail {

// Without branches, so that loops over them are vectorised. Source of the method: F. Giesen, "Float->half variants",
// 2012 (public domain). None depends on how the processor treats subnormal floats.

/// As `condition ? a : b`, which g++ makes a branch where it can save work by one.
constexpr std::uint32_t select(bool condition, std::uint32_t a, std::uint32_t b) noexcept {
  const std::uint32_t mask = 0U - static_cast<std::uint32_t>(condition);
  return (a & mask) | (b & ~mask);
}

/// The IEEE 754 binary16 nearest to a binary32; both as bits.
constexpr std::uint16_t half_from_float(std::uint32_t bits) noexcept {
  const std::uint32_t sign = bits & 0x8000'0000U;
  const std::uint32_t magnitude = bits ^ sign;
  // Adding 0.5 moves the bits of a result below 2^-14, rounded, to the end of the significand.
  constexpr std::uint32_t k_one_half = 126U << 23;
  const float shifted = std::bit_cast<float>(magnitude) + 0.5F;
  const std::uint32_t subnormal = std::bit_cast<std::uint32_t>(shifted) - k_one_half;
  // The exponent has another bias; what is cut off is rounded to even, up to infinity.
  const std::uint32_t normal = (magnitude - (112U << 23) + 0xFFFU + (magnitude >> 13 & 1U)) >> 13;
  const std::uint32_t nan = 0x7E00U | (magnitude >> 13 & 0x1FFU);
  const std::uint32_t finite = select(magnitude < 113U << 23, subnormal, normal);
  const std::uint32_t special = select(magnitude > 0x7F80'0000U, nan, 0x7C00U);
  return static_cast<std::uint16_t>(select(magnitude >= 143U << 23, special, finite) | sign >> 16);
}

constexpr std::uint32_t float_from_half(std::uint16_t bits) noexcept {
  const std::uint32_t sign = (bits & 0x8000U) << 16;
  const std::uint32_t shifted = (bits & 0x7FFFU) << 13;
  const std::uint32_t normal = shifted + (112U << 23);
  const std::uint32_t special = shifted + (224U << 23);
  // 2^-14 and the bits as its fraction, less 2^-14: exact.
  constexpr float k_smallest_normal = std::bit_cast<float>(113U << 23);
  const float fraction = std::bit_cast<float>(shifted + (113U << 23)) - k_smallest_normal;
  const auto subnormal = std::bit_cast<std::uint32_t>(fraction);
  const std::uint32_t finite = select(shifted < 1U << 23, subnormal, normal);
  return sign | select(shifted >= 31U << 23, special, finite);
}

constexpr std::uint16_t bfloat16_from_float(std::uint32_t bits) noexcept {
  const std::uint32_t nan = bits >> 16 | 0x40U;
  const std::uint32_t rounded = (bits + 0x7FFFU + (bits >> 16 & 1U)) >> 16;
  return static_cast<std::uint16_t>(select((bits & 0x7FFF'FFFFU) > 0x7F80'0000U, nan, rounded));
}

constexpr std::uint32_t float_from_bfloat16(std::uint16_t bits) noexcept { return std::uint32_t{bits} << 16; }

/// What the two have in common: 16 bits with a conversion each way.
template <class Self, std::uint16_t (*encode)(std::uint32_t), std::uint32_t (*decode)(std::uint16_t)>
class float16 {
 public:
  /// Uninitialised, as with float; `half{}` is 0.
  float16() noexcept = default;

  static constexpr Self from_bits(std::uint16_t bits) noexcept {
    Self value{};
    value.bits_ = bits;
    return value;
  }
  constexpr std::uint16_t bits() const noexcept { return bits_; }

  /// Exact; a NaN keeps its payload.
  constexpr operator float() const noexcept { return std::bit_cast<float>(decode(bits_)); }

  constexpr Self& operator+=(float other) noexcept { return self() = *this + other; }
  constexpr Self& operator-=(float other) noexcept { return self() = *this - other; }
  constexpr Self& operator*=(float other) noexcept { return self() = *this * other; }
  constexpr Self& operator/=(float other) noexcept { return self() = *this / other; }

 protected:
  constexpr explicit float16(float value) noexcept : bits_(encode(std::bit_cast<std::uint32_t>(value))) {}

 private:
  constexpr Self& self() noexcept { return static_cast<Self&>(*this); }

  std::uint16_t bits_;
};

}  // namespace detail

/// IEEE 754 binary16, NumPy's float16: 11 significant bits, up to 65504. Trivially copyable, 2 bytes.
class half : public detail::float16<half, detail::half_from_float, detail::float_from_half> {
 public:
  half() noexcept = default;
  /// The nearest, ties to even; beyond the largest by half a unit: infinity. A NaN stays one and is quiet. Doubles
  /// and integers become floats first, and may thus be rounded twice.
  constexpr half(float value) noexcept : float16(value) {}
};

/// The upper half of a float: 8 significant bits, a float's range. Trivially copyable, 2 bytes.
class bfloat16 : public detail::float16<bfloat16, detail::bfloat16_from_float, detail::float_from_bfloat16> {
 public:
  bfloat16() noexcept = default;
  /// As with half.
  constexpr bfloat16(float value) noexcept : float16(value) {}
};

namespace detail {

/// `Digits` significant bits and exponents as in std::numeric_limits; the values follow from them.
template <class T, int Digits, int MaxExponent>
struct float16_limits {
  static constexpr bool is_specialized = true;
  static constexpr bool is_signed = true;
  static constexpr bool is_integer = false;
  static constexpr bool is_exact = false;
  static constexpr bool is_bounded = true;
  static constexpr bool is_modulo = false;
  static constexpr bool is_iec559 = true;
  static constexpr bool has_infinity = true;
  static constexpr bool has_quiet_NaN = true;
  static constexpr bool has_signaling_NaN = true;
  static constexpr bool traps = false;
  static constexpr bool tinyness_before = false;
  static constexpr std::float_round_style round_style = std::round_to_nearest;
  static constexpr int radix = 2;
  static constexpr int digits = Digits;
  static constexpr int digits10 = (Digits - 1) * 301 / 1000;
  static constexpr int max_digits10 = Digits * 301 / 1000 + 2;
  static constexpr int max_exponent = MaxExponent;
  static constexpr int min_exponent = 3 - MaxExponent;
  static constexpr int max_exponent10 = max_exponent * 301 / 1000;
  static constexpr int min_exponent10 = (min_exponent - 1) * 301 / 1000;

  static constexpr T min() noexcept { return bits(1 << (Digits - 1)); }
  static constexpr T max() noexcept { return bits(k_infinity - 1); }
  static constexpr T lowest() noexcept { return bits(0x8000 | (k_infinity - 1)); }
  static constexpr T epsilon() noexcept { return bits((MaxExponent - Digits) << (Digits - 1)); }
  static constexpr T round_error() noexcept { return T(0.5F); }
  static constexpr T infinity() noexcept { return bits(k_infinity); }
  static constexpr T quiet_NaN() noexcept { return bits(k_infinity | 1 << (Digits - 2)); }
  static constexpr T signaling_NaN() noexcept { return bits(k_infinity | 1 << (Digits - 3)); }
  static constexpr T denorm_min() noexcept { return bits(1); }

 private:
  static constexpr int k_infinity = (2 * MaxExponent - 1) << (Digits - 1);
  static constexpr T bits(int value) noexcept { return T::from_bits(static_cast<std::uint16_t>(value)); }
};

}  // namespace detail

}  // namespace larder

template <>
struct std::numeric_limits<larder::half> : larder::detail::float16_limits<larder::half, 11, 16> {};
template <>
struct std::numeric_limits<larder::bfloat16> : larder::detail::float16_limits<larder::bfloat16, 8, 128> {};
