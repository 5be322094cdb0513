#pragma once
// Integers as the little-endian bytes of the file format.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace larder::detail {

// What maps files into memory as they are cannot be built for the other byte order.
static_assert(std::endian::native == std::endian::little, "larder: little-endian machines only");

template <class T>
T get(std::span<const std::byte> bytes, std::size_t offset) noexcept {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

template <class T>
void put(std::span<std::byte> bytes, std::size_t offset, T value) noexcept {
  std::memcpy(bytes.data() + offset, &value, sizeof value);
}

}  // namespace larder::detail
