#include <larder/detail/type_text.hpp>

#include <array>

#include <larder/error.hpp>

#include "src/descriptor.hpp"
#include "src/xxh3.hpp"

namespace larder::detail {

std::string plain_name(std::string_view spelled) {
  // As g++ and clang++ spell unnamed namespaces, and g++ the integers: the longer spellings come first.
  struct spelling {
    std::string_view from;
    std::string_view to;
  };
  static constexpr std::array<spelling, 9> k_spellings = {{{"{anonymous}::", ""},
                                                           {"(anonymous namespace)::", ""},
                                                           {"long long unsigned int", "unsigned long long"},
                                                           {"long long int", "long long"},
                                                           {"long unsigned int", "unsigned long"},
                                                           {"short unsigned int", "unsigned short"},
                                                           {"long int", "long"},
                                                           {"short int", "short"},
                                                           {" >", ">"}}};
  std::string name(spelled);
  for (const auto& [from, to] : k_spellings) {
    for (std::size_t at = 0; (at = name.find(from, at)) != std::string::npos; at += to.size()) {
      name.replace(at, from.size(), to);
    }
  }
  return name;
}

void refuse_valueless_variant() {
  throw value_error("a std::variant that lost its value to an exception cannot be stored: assign it one");
}

std::uint32_t schema_of(std::string_view type, std::string_view layout) {
  if (layout == type) return 0;
  const auto number = static_cast<std::uint32_t>(xxh3_64(text_bytes(layout)));
  return number == 0 ? 1 : number;
}

}  // namespace larder::detail
