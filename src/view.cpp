#include <larder/view.hpp>

#include <string>

#include <larder/error.hpp>

namespace larder::detail {

void element_strides(std::span<const std::size_t> shape, std::span<const std::ptrdiff_t> byte_strides,
                     std::size_t item_size, std::span<std::ptrdiff_t> strides) {
  if (shape.size() != strides.size()) {
    throw layout_error("view<" + std::to_string(strides.size()) + ">: the array has " +
                       std::to_string(shape.size()) + " dimensions");
  }
  for (std::size_t d = 0; d < strides.size(); ++d) {
    strides[d] = byte_strides[d] / static_cast<std::ptrdiff_t>(item_size);
  }
}

}  // namespace larder::detail
