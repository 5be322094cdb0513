#pragma once
// Shapes and indices in messages and headers.

#include <cstddef>
#include <span>
#include <string>

namespace larder::detail {

/// As Python writes a tuple: "()", "(3,)", "(3, 4)".
std::string shape_text(std::span<const std::size_t> shape);

}  // namespace larder::detail
