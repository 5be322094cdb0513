#pragma once
// What a process does that ends without its exit handlers.

namespace larder::detail {

/// Of stdout and std::cout.
void flush_output() noexcept;

}  // namespace larder::detail
