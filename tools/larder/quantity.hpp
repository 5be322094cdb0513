#pragma once
// Numbers as people read them.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace larder::command {

/// "1.95 MiB (2,048,576 bytes)"; below 1 KiB "512 bytes".
std::string bytes_text(std::uint64_t bytes);

/// "12.5 %" of the whole, which is not 0.
std::string percent_text(std::uint64_t part, std::uint64_t whole);

/// "(1000, 64)", as NumPy writes it; "(7,)", "()".
std::string shape_text(std::span<const std::size_t> shape);

}  // namespace larder::command
