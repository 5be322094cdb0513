#include <larder/hash.hpp>

#include "src/array_image.hpp"
#include "src/buffer.hpp"

namespace larder::detail {

digest hash_array(const raw_array& a) {
  if (a.owner) {
    if (const auto known = a.owner->known_digest(a)) return *known;
  }
  return array_image(a).digest();
}

}  // namespace larder::detail
