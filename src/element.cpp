#include <larder/element.hpp>

#include <array>

namespace larder {

std::size_t item_size(dtype t) noexcept {
  static constexpr std::array<std::size_t, 10> k_sizes = {1, 2, 4, 8, 1, 2, 4, 8, 4, 8};
  return k_sizes[static_cast<std::size_t>(t)];
}

std::string_view name(dtype t) noexcept {
  static constexpr std::array<std::string_view, 10> k_names = {"i8",  "i16", "i32", "i64", "u8",
                                                               "u16", "u32", "u64", "f32", "f64"};
  return k_names[static_cast<std::size_t>(t)];
}

std::string type_text(dtype t) { return "array<" + std::string(name(t)) + ">"; }

}  // namespace larder
