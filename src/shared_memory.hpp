#pragma once
// Anonymous memory that other processes can map, too.

#include <cstddef>
#include <memory>

#include "src/buffer.hpp"

namespace larder::detail {

/// Zeroed memory of a memfd, mapped shared; children of fork see the same. Of no bytes there is one to map. io_error
/// where the system refuses.
std::shared_ptr<const buffer> shared_memory(std::size_t bytes);

}  // namespace larder::detail
