#include <larder/file_content.hpp>

#include <larder/hasher.hpp>

#include "src/file_digest.hpp"

namespace larder {

void hash_append(hasher& h, const file_content& file) {
  const detail::file_digest content = detail::digest_of_file(file.path().string());
  h(content.bytes, content.value.low, content.value.high);
}

}  // namespace larder
