#pragma once
// From the other byte order to this machine's.

#include <cstddef>
#include <cstdint>

#include <larder/element.hpp>

namespace larder::detail {

/// Reverses the bytes of each element in place; of a complex number, those of each part. `bytes` is a multiple of
/// the item size.
void swap_byte_order(std::byte* data, std::uint64_t bytes, dtype type) noexcept;

}  // namespace larder::detail
