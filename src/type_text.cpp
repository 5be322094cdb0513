#include <larder/detail/type_text.hpp>

#include <array>

#include "src/descriptor.hpp"
#include "src/xxh3.hpp"

namespace larder::detail {

std::string plain_name(std::string_view spelled) {
  // As g++ and clang++ spell unnamed namespaces.
  static constexpr std::array<std::string_view, 2> k_unnamed = {"{anonymous}::", "(anonymous namespace)::"};
  std::string name(spelled);
  for (const std::string_view unnamed : k_unnamed) {
    for (std::size_t at; (at = name.find(unnamed)) != std::string::npos;) name.erase(at, unnamed.size());
  }
  return name;
}

std::uint32_t schema_of(std::string_view type, std::string_view layout) {
  if (layout == type) return 0;
  const auto number = static_cast<std::uint32_t>(xxh3_64(text_bytes(layout)));
  return number == 0 ? 1 : number;
}

}  // namespace larder::detail
