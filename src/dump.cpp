#include <larder/dump.hpp>

#include <string>

#include <larder/error.hpp>

#include "src/container_writer.hpp"
#include "src/xxh3.hpp"

namespace larder::detail {

void dump_array(const raw_array& a, const std::filesystem::path& path, const dump_options& options) {
  check_compress("dump", options.compress);
  if (options.bare_npy && options.compress != 0) {
    throw value_error("dump: a bare .npy cannot be compressed; set one of bare_npy and compress");
  }
  atomic_file file(path.string(), 0666);
  if (options.bare_npy) {
    write_bare_npy(file, array_image(a));
  } else {
    write_array(file, array_image(a), options.compress);
  }
  file.commit(options.durable, existing::replace);
}

void dump_object(const object_parts& object, const std::filesystem::path& path, const dump_options& options) {
  check_compress("dump", options.compress);
  if (options.bare_npy) {
    throw value_error("dump: bare_npy is for arrays, not for " + std::string(object.type));
  }
  if (object.type.size() > k_type_limit) {
    throw value_error("dump: a type whose text has " + std::to_string(object.type.size()) +
                      " bytes; the limit is " + std::to_string(k_type_limit) +
                      ": give the types in it shorter names (larder::type_name)");
  }
  constexpr std::size_t k_most_arrays =
      k_index_limit / k_block - 2;  // beside the object, and the index's head
  if (object.arrays.size() > k_most_arrays) {
    throw value_error("dump: an object of " + std::to_string(object.arrays.size()) +
                      " arrays; the limit is " + std::to_string(k_most_arrays) +
                      ": put small ones into larger ones, or into vectors");
  }
  if (object.bytes.size() > k_object_limit) {
    throw value_error("dump: an object of " + std::to_string(object.bytes.size()) +
                      " bytes without its arrays; the limit is " + std::to_string(k_object_limit) +
                      ": put large data into arrays or vectors of elements");
  }
  atomic_file file(path.string(), 0666);
  container_writer out(file, {.head = true, .compress = options.compress});
  std::uint64_t bytes = index_and_trailer_bytes(object.arrays.size() + 1) + aligned(object.bytes.size());
  for (const raw_array& a : object.arrays) bytes += aligned(array_image(a).bytes());
  out.reserve(bytes);
  for (const raw_array& a : object.arrays) out.array(array_image(a));
  out.text(segment_kind::object, object.bytes);
  out.finish(xxh3_64(text_bytes(object.type)), object.schema);
  file.commit(options.durable, existing::replace);
}

}  // namespace larder::detail
