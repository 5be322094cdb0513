// The 16-bit floating-point types against exact arithmetic in double.

#include <larder/half.hpp>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "tests/catch.hpp"

using larder::bfloat16;
using larder::half;

namespace {

/// The value of an IEEE 754 format of 16 bits with `digits` significant ones, infinities as powers beyond the range: by
/// the definition of the format, and exact in a double.
double value_of(std::uint32_t magnitude, int digits, int max_exponent) {
  const std::uint32_t implicit = 1U << (digits - 1);
  const std::uint32_t exponent = magnitude / implicit;
  const std::uint32_t fraction = magnitude % implicit;
  const int lowest = 3 - max_exponent - digits;  // the exponent of the last bit of a subnormal
  return exponent == 0 ? std::ldexp(fraction, lowest)
                       : std::ldexp(implicit + fraction, lowest + static_cast<int>(exponent) - 1);
}

template <class T>
constexpr int k_digits = std::numeric_limits<T>::digits;
template <class T>
constexpr std::uint32_t k_infinity_bits = std::is_same_v<T, half> ? 0x7C00 : 0x7F80;

template <class T>
double magnitude_of(std::uint32_t magnitude) {
  return value_of(magnitude, std::is_same_v<T, half> ? 11 : 8, std::is_same_v<T, half> ? 16 : 128);
}

std::uint32_t bits_of(float value) { return std::bit_cast<std::uint32_t>(value); }

/// With both signs.
template <class T>
bool rounds_to(float value, std::uint32_t expected) {
  return T(value).bits() == expected && T(-value).bits() == (expected | 0x8000);
}

}  // namespace

TEMPLATE_TEST_CASE("every 16-bit float has the value of its bits and comes back", "", half, bfloat16) {
  using T = TestType;
  int wrong = 0;
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const T value = T::from_bits(static_cast<std::uint16_t>(bits));
    const float f = value;
    const std::uint32_t magnitude = bits & 0x7FFF;
    bool right = value.bits() == bits && std::signbit(f) == (bits > 0x7FFF);
    if (magnitude < k_infinity_bits<T>) {
      right = right && std::fabs(static_cast<double>(f)) == magnitude_of<T>(magnitude) && T(f).bits() == bits;
    } else if (magnitude == k_infinity_bits<T>) {
      right = right && std::isinf(f) && T(f).bits() == bits;
    } else {
      const std::uint32_t quiet = 1U << (k_digits<T> - 2);
      right = right && std::isnan(f) && T(f).bits() == (bits | quiet);
      // The payload stands where it stood.
      right = right && (bits_of(f) & 0x7FFFFF) == (magnitude - k_infinity_bits<T>) << (24 - k_digits<T>);
    }
    wrong += right ? 0 : 1;
  }
  CHECK(wrong == 0);
}

TEMPLATE_TEST_CASE("floats round to the nearest 16-bit one and ties to the even one", "", half, bfloat16) {
  using T = TestType;
  int wrong = 0;
  // Between each two neighbours: the middle, and the floats next to it. Above the largest, infinity stands for the next
  // power of two.
  for (std::uint32_t low = 0; low < k_infinity_bits<T>; ++low) {
    const double a = magnitude_of<T>(low);
    const double b = magnitude_of<T>(low + 1);
    const auto middle = static_cast<float>((a + b) / 2);
    const float below = std::nextafter(middle, 0.0F);
    const float above = std::nextafter(middle, std::numeric_limits<float>::infinity());
    const std::uint32_t even = low % 2 == 0 ? low : low + 1;
    const bool right = static_cast<double>(middle) == (a + b) / 2 && rounds_to<T>(middle, even) &&
                       rounds_to<T>(below, low) && rounds_to<T>(above, low + 1);
    wrong += right ? 0 : 1;
  }
  CHECK(wrong == 0);
}

TEST_CASE("known 16-bit floats have the bits that NumPy gives them") {
  // np.float32(x).astype(np.float16).view(np.uint16)
  CHECK(half(0.1F).bits() == 0x2E66);
  CHECK(half(-2.0F).bits() == 0xC000);
  CHECK(half(65504.0F).bits() == 0x7BFF);
  CHECK(half(65519.996F).bits() == 0x7BFF);
  CHECK(half(65520.0F).bits() == 0x7C00);
  CHECK(half(1e30F).bits() == 0x7C00);
  CHECK(half(0x1p-14F).bits() == 0x0400);
  CHECK(half(0x1p-24F).bits() == 0x0001);
  CHECK(half(0x1p-25F).bits() == 0x0000);
  CHECK(half(0x1.8p-25F).bits() == 0x0001);
  CHECK(half(-1e-30F).bits() == 0x8000);
  CHECK(half(0x1.ff8p-15F).bits() == 0x03FF);
  CHECK(half(0x1.ffap-15F).bits() == 0x03FF);
  CHECK(half(0x1.ffcp-15F).bits() == 0x0400);  // from the subnormals into the normals
  CHECK(bfloat16(1.0F).bits() == 0x3F80);
  CHECK(bfloat16(3.14159265F).bits() == 0x4049);
  CHECK(bfloat16(std::numeric_limits<float>::max()).bits() == 0x7F80);
  CHECK(bfloat16(std::numeric_limits<float>::denorm_min()).bits() == 0);
}

TEMPLATE_TEST_CASE("infinities and NaNs of float stay what they are", "", half, bfloat16) {
  using T = TestType;
  using limits = std::numeric_limits<float>;
  CHECK(T(limits::infinity()).bits() == k_infinity_bits<T>);
  CHECK(T(-limits::infinity()).bits() == (k_infinity_bits<T> | 0x8000));
  const std::uint32_t quiet = 1U << (k_digits<T> - 2);
  for (const std::uint32_t payload : {1U, 0x1000U, 0x2000U, 0x200000U, 0x3FFFFFU, 0x400000U, 0x7FFFFFU}) {
    for (const std::uint32_t sign : {0U, 0x8000'0000U}) {
      const T nan(std::bit_cast<float>(sign | 0x7F80'0000U | payload));
      CHECK((nan.bits() & 0x7FFF) > k_infinity_bits<T>);
      CHECK((nan.bits() & quiet) != 0);
      CHECK((nan.bits() >> 15) == sign >> 31);
    }
  }
}

TEST_CASE("16-bit floats are plain memory of two bytes and count in float") {
  STATIC_REQUIRE(sizeof(half) == 2);
  STATIC_REQUIRE(alignof(bfloat16) == 2);
  STATIC_REQUIRE(std::is_trivial_v<half>);
  STATIC_REQUIRE(std::is_trivial_v<bfloat16>);
  STATIC_REQUIRE(std::is_standard_layout_v<half>);
  STATIC_REQUIRE(std::is_same_v<decltype(half() * half()), float>);
  STATIC_REQUIRE(std::is_same_v<decltype(half() + 1), float>);
  STATIC_REQUIRE(std::is_same_v<decltype(bfloat16() - 1.0), double>);
  STATIC_REQUIRE(half(1.5F) + half(2) == 3.5F);
  STATIC_REQUIRE(bfloat16(half(0.375F)) == 0.375F);
  STATIC_REQUIRE(half{}.bits() == 0);
  STATIC_REQUIRE(half(-0.0F) == half(0.0F));
  STATIC_REQUIRE(half(1) < half(2));

  half a = 3;
  a += 1;
  CHECK(a == 4);
  a -= 0.5F;
  a *= a;
  CHECK(a == 12.25F);
  a /= 2;
  CHECK(a == 6.125F);
  bfloat16 b(a);
  b += 0.001F;  // less than half a unit
  CHECK(b == 6.125F);
  const half nan = std::numeric_limits<half>::quiet_NaN();
  CHECK_FALSE(nan == nan);
}

TEMPLATE_TEST_CASE("the limits of 16-bit floats follow from their values", "", half, bfloat16) {
  using T = TestType;
  using limits = std::numeric_limits<T>;
  const auto next = [](T value) { return T::from_bits(static_cast<std::uint16_t>(value.bits() + 1)); };
  STATIC_REQUIRE(limits::is_specialized);
  CHECK(std::isinf(next(limits::max())));
  CHECK_FALSE(std::isinf(limits::max()));
  CHECK(limits::lowest() == -limits::max());
  CHECK(next(T(1)) - 1 == limits::epsilon());
  CHECK(std::ldexp(1.0, limits::min_exponent - 1) == static_cast<double>(limits::min()));
  CHECK(std::ldexp(1 - std::ldexp(1.0, -limits::digits), limits::max_exponent) ==
        static_cast<double>(limits::max()));
  CHECK(std::ldexp(1.0, limits::min_exponent - limits::digits) == static_cast<double>(limits::denorm_min()));
  CHECK(std::pow(10.0, limits::max_exponent10) <= static_cast<double>(limits::max()));
  CHECK(std::pow(10.0, limits::max_exponent10 + 1) > static_cast<double>(limits::max()));
  CHECK(std::pow(10.0, limits::min_exponent10) >= static_cast<double>(limits::min()));
  CHECK(std::pow(10.0, limits::min_exponent10 - 1) < static_cast<double>(limits::min()));
  CHECK(limits::infinity() == std::numeric_limits<float>::infinity());
  CHECK(std::isnan(limits::quiet_NaN()));
  CHECK(std::isnan(limits::signaling_NaN()));
  CHECK(T(limits::signaling_NaN()).bits() != limits::quiet_NaN().bits());
  CHECK(limits::digits10 == static_cast<int>((limits::digits - 1) * std::log10(2.0)));
  CHECK(limits::max_digits10 == static_cast<int>(std::ceil(1 + limits::digits * std::log10(2.0))));
}
