#include <larder/load.hpp>

#include <cerrno>

#include <larder/error.hpp>

#include "src/array_file.hpp"
#include "src/object_file.hpp"

namespace larder::detail {

std::optional<raw_array> load_array_if_exists(const std::filesystem::path& path, dtype expected,
                                              result_kind wanted, const load_options& options,
                                              const placement* place) {
  return read_array_file(path.string(), expected, {.wanted = wanted, .options = options, .place = place});
}

std::unique_ptr<object_source> open_object_if_exists(const std::filesystem::path& path, std::string_view type,
                                                     std::uint32_t schema, const load_options& options) {
  auto file = open_to_load(path.string(), options);
  if (!file) return nullptr;
  return std::make_unique<object_file>(*std::move(file), type, schema, options);
}

void refuse_absent(const std::filesystem::path& path) {
  throw io_error(path.string(), "cannot open", ENOENT);
}

}  // namespace larder::detail
