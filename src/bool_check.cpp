#include "src/bool_check.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include <larder/error.hpp>

namespace larder::detail {
namespace {

constexpr std::size_t k_block = 4096;

/// Whether all of a block are 0 or 1: no bit but the lowest is set in any byte. Four words at a time, so that the
/// compiler may use wide registers.
bool are_bools(const std::byte* block) noexcept {
  std::array<std::uint64_t, 4> all{};
  for (std::size_t at = 0; at < k_block; at += sizeof all) {
    std::array<std::uint64_t, 4> words;
    std::memcpy(words.data(), block + at, sizeof words);
    for (std::size_t i = 0; i < words.size(); ++i) all[i] |= words[i];
  }
  return ((all[0] | all[1] | all[2] | all[3]) & ~std::uint64_t{0x0101'0101'0101'0101}) == 0;
}

}  // namespace

void require_bools(const std::string& path, std::span<const std::byte> data) {
  std::size_t sound = 0;
  while (data.size() - sound >= k_block && are_bools(data.data() + sound)) sound += k_block;
  const auto bad = std::find_if(data.begin() + static_cast<std::ptrdiff_t>(sound), data.end(),
                                [](std::byte b) { return b > std::byte{1}; });
  if (bad == data.end()) return;
  throw format_error(path, format_code::dtype,
                     "byte " + std::to_string(bad - data.begin()) + " of the data is " +
                         std::to_string(std::to_integer<int>(*bad)) + ", where a bool, 0 or 1, has to be");
}

}  // namespace larder::detail
