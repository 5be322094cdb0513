#include <larder/hash.hpp>

#include "src/array_image.hpp"
#include "src/buffer.hpp"

namespace larder::detail {

digest hash_array(const raw_array& a) {
  if (const auto known = known_digest_of(a)) return *known;
  return array_image(a).digest();
}

}  // namespace larder::detail
