#include <larder/digest.hpp>

namespace larder {

std::string digest::hex() const {
  static constexpr char k_digits[] = "0123456789abcdef";
  std::string text(32, '0');
  for (std::size_t i = 0; i < 16; ++i) {
    text[i] = k_digits[(high >> (60 - 4 * i)) & 0xF];
    text[16 + i] = k_digits[(low >> (60 - 4 * i)) & 0xF];
  }
  return text;
}

}  // namespace larder
