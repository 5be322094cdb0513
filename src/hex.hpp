#pragma once
// Numbers as hexadecimal digits.

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace larder::detail {

inline constexpr std::string_view k_hex_digits = "0123456789abcdef";

/// Whether these are hexadecimal digits, lower case.
inline bool is_hex(std::string_view text) noexcept {
  return text.find_first_not_of(k_hex_digits) == std::string_view::npos;
}

/// Two digits.
inline std::string hex_of(unsigned char byte) { return {k_hex_digits[byte >> 4], k_hex_digits[byte & 0xF]}; }

/// Writes 16 lower-case digits, the highest first.
inline void put_hex(char* to, std::uint64_t value) noexcept {
  for (const auto half : {static_cast<std::uint32_t>(value >> 32), static_cast<std::uint32_t>(value)}) {
    // Eight digits at a time, each in a byte of one word; what comes first in memory is lowest there.
    static_assert(std::endian::native == std::endian::little);
    std::uint64_t digits = __builtin_bswap32(half);
    digits = (digits | digits << 16) & 0x0000FFFF0000FFFF;
    digits = (digits | digits << 8) & 0x00FF00FF00FF00FF;
    digits = (digits >> 4 & 0x000F000F000F000F) | (digits & 0x000F000F000F000F) << 8;
    const std::uint64_t is_letter = (digits + 0x0606060606060606) >> 4 & 0x0101010101010101;
    digits += 0x3030303030303030 + is_letter * ('a' - '0' - 10);
    std::memcpy(to, &digits, sizeof digits);
    to += sizeof digits;
  }
}

}  // namespace larder::detail
