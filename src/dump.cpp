#include <larder/dump.hpp>

#include <string>

#include <larder/error.hpp>

#include "src/container_writer.hpp"

namespace larder::detail {

void dump_sink::array(const raw_array& a) {
  check_compress("dump", options_.compress);
  if (options_.bare_npy && options_.compress != 0) {
    throw value_error("dump: a bare .npy cannot be compressed; set one of bare_npy and compress");
  }
  atomic_file file(path_.string(), 0666);
  if (options_.bare_npy) {
    write_bare_npy(file, array_image(a));
  } else {
    write_array(file, array_image(a), options_.compress);
  }
  file.commit(options_.durable);
}

void dump_sink::object(const object_parts& object) {
  check_compress("dump", options_.compress);
  if (options_.bare_npy) {
    throw value_error("dump: bare_npy is for arrays, not for " + std::string(object.type));
  }
  check_object("dump", object);
  atomic_file file(path_.string(), 0666);
  write_object(file, object, options_.compress);
  file.commit(options_.durable);
}

}  // namespace larder::detail
