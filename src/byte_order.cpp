#include "src/byte_order.hpp"

#include <cstring>

namespace larder::detail {
namespace {

std::uint16_t swapped(std::uint16_t word) noexcept { return __builtin_bswap16(word); }
std::uint32_t swapped(std::uint32_t word) noexcept { return __builtin_bswap32(word); }
std::uint64_t swapped(std::uint64_t word) noexcept { return __builtin_bswap64(word); }

template <class Word>
void swap_words(std::byte* data, std::uint64_t bytes) noexcept {
  for (const std::byte* end = data + bytes; data != end; data += sizeof(Word)) {
    Word word;
    std::memcpy(&word, data, sizeof word);
    word = swapped(word);
    std::memcpy(data, &word, sizeof word);
  }
}

}  // namespace

void swap_byte_order(std::byte* data, std::uint64_t bytes, dtype type) noexcept {
  const bool pairs = type == dtype::c64 || type == dtype::c128;
  switch (item_size(type) / (pairs ? 2 : 1)) {
    case 2:
      return swap_words<std::uint16_t>(data, bytes);
    case 4:
      return swap_words<std::uint32_t>(data, bytes);
    case 8:
      return swap_words<std::uint64_t>(data, bytes);
    default:
      return;
  }
}

}  // namespace larder::detail
