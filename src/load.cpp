#include <larder/load.hpp>

#include <cerrno>

#include <larder/error.hpp>

#include "src/value_file.hpp"

namespace larder::detail {

std::unique_ptr<value_source> open_value_if_exists(const std::filesystem::path& path, bool object,
                                                   const load_options& options) {
  auto file = open_to_load(path.string(), options);
  if (!file) return nullptr;
  return std::make_unique<value_file>(*std::move(file), options,
                                      object ? object_demand::keep : object_demand::check);
}

void refuse_absent(const std::filesystem::path& path) {
  throw io_error(path.string(), "cannot open", ENOENT);
}

}  // namespace larder::detail
