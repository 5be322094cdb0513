#include <larder/dump.hpp>

#include <string>

#include <larder/error.hpp>

#include "src/array_writer.hpp"

namespace larder::detail {

void dump_array(const raw_array& a, const std::filesystem::path& path, const dump_options& options) {
  if (options.compress != 0) {
    throw value_error("dump: compress = " + std::to_string(options.compress) +
                      " is not available in this version; only 0, no compression, is");
  }
  atomic_file file(path.string(), 0666);
  write_array(file, array_image(a), options.bare_npy ? file_form::bare_npy : file_form::container);
  file.commit(options.durable, existing::replace);
}

}  // namespace larder::detail
