#include "src/shape_text.hpp"

namespace larder::detail {

std::string shape_text(std::span<const std::size_t> shape) {
  std::string text = "(";
  for (std::size_t d = 0; d < shape.size(); ++d) {
    if (d > 0) text += ", ";
    text += std::to_string(static_cast<std::ptrdiff_t>(shape[d]));  // an index below 0 reads as such
  }
  return text + (shape.size() == 1 ? ",)" : ")");
}

}  // namespace larder::detail
