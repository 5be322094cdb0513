#include <larder/hash.hpp>

#include "src/array_image.hpp"

namespace larder::detail {

digest hash_array(const raw_array& a) { return array_image(a).digest(); }

}  // namespace larder::detail
