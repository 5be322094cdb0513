#pragma once
// Moving elements between memory layouts.

#include <cstddef>

#include <larder/detail/raw_array.hpp>

namespace larder::detail {

/// Copies elements first … first + count - 1 of `a`, in row-major order, to consecutive places at `out`.
void gather(const raw_array& a, std::size_t first, std::size_t count, std::byte* out);

/// Copies element by element between arrays of one shape and dtype that do not overlap. A stride of 0 in `from`
/// repeats an element.
void strided_copy(const raw_array& to, const raw_array& from);

}  // namespace larder::detail
