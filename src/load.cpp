#include <larder/load.hpp>

#include <cerrno>

#include <larder/error.hpp>

#include "src/array_reader.hpp"

namespace larder::detail {

std::optional<raw_array> load_array_if_exists(const std::filesystem::path& path, dtype expected,
                                              result_kind wanted, const load_options& options,
                                              const placement* place) {
  return read_array(path.string(), expected, {.wanted = wanted, .options = options, .place = place});
}

void refuse_absent(const std::filesystem::path& path) {
  throw io_error(path.string(), "cannot open", ENOENT);
}

}  // namespace larder::detail
