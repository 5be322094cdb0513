#include <larder/digest.hpp>

#include "src/hex.hpp"

namespace larder {

std::string digest::hex() const {
  std::string text(32, '0');
  detail::put_hex(text.data(), high);
  detail::put_hex(text.data() + 16, low);
  return text;
}

}  // namespace larder
