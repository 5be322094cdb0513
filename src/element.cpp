#include <larder/element.hpp>

#include <array>

namespace larder {

std::size_t item_size(dtype t) noexcept {
  static constexpr std::array<std::size_t, 15> k_sizes = {1, 2, 4, 8, 1, 2, 4, 8, 4, 8, 2, 2, 8, 16, 1};
  return k_sizes[static_cast<std::size_t>(t)];
}

std::string_view name(dtype t) noexcept {
  static constexpr std::array<std::string_view, 15> k_names = {"i8",  "i16",  "i32", "i64",  "u8",
                                                               "u16", "u32",  "u64", "f32",  "f64",
                                                               "f16", "bf16", "c64", "c128", "bool"};
  return k_names[static_cast<std::size_t>(t)];
}

std::string type_text(dtype t) { return "array<" + std::string(name(t)) + ">"; }

}  // namespace larder
