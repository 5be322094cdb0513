#pragma once
// Comparing bytes as memcmp does, by many at a time: std::ranges::equal takes std::byte one by one.

#include <cstddef>
#include <cstring>
#include <span>

namespace larder::detail {

/// Of the same length.
inline bool same_bytes(std::span<const std::byte> a, std::span<const std::byte> b) noexcept {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

/// Each byte is zero: the first one is, and each is the same as the one before.
inline bool all_zero(std::span<const std::byte> bytes) noexcept {
  return bytes.empty() ||
         (bytes[0] == std::byte{0} && same_bytes(bytes.subspan(1), bytes.first(bytes.size() - 1)));
}

}  // namespace larder::detail
