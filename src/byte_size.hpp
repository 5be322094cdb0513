#pragma once
// Sizes as people write them.

#include <cstdint>
#include <string_view>

namespace larder::detail {

/// The bytes that "123", "500K", "1.5M", "10 GiB" or "2tb" stand for: K, M, G and T are powers of 1024, with B or iB
/// behind them if one likes, in either case. A part of a byte is cut off. value_error for anything else, and for more
/// than 64 bits hold; it names the option.
std::uint64_t byte_size(std::string_view text, std::string_view option);

}  // namespace larder::detail
