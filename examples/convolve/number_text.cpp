#include "examples/convolve/number_text.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace convolve {

std::string number_text(double value) {
  const double size = std::abs(value);
  const auto format = size >= 1e-4 && size < 1e15 ? std::chars_format::fixed : std::chars_format::general;
  std::array<char, 32> digits;
  return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value, format).ptr};
}

}  // namespace convolve
