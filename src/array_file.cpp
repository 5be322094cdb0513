#include "src/array_file.hpp"

#include <larder/error.hpp>

#include "src/array_loader.hpp"

namespace larder::detail {

std::optional<raw_array> read_array_file(const std::string& path, dtype expected,
                                         const read_request& request) {
  if (const auto asked = request.options.mmap_mode) check_mode(path, *asked, request.wanted);
  const auto file = open_to_load(path, request.options);
  if (!file) return std::nullopt;

  memory_budget budget(request.options.max_bytes);
  const file_structure structure = read_structure(*file, request.demand, budget, object_demand::check);
  if (structure.is_object() || structure.sole_array().header.dtype != expected) {
    throw type_mismatch(path, type_text(expected), structure.type);
  }
  array_loader loader(
      *file, structure, request.options, budget,
      {.copy_below = request.copy_below, .trusted = request.demand == trailer_demand::sealed});
  if (request.wanted != result_kind::vector) return loader.load(structure.sole_array(), request.wanted);
  loader.load_vector(structure.sole_array(), *request.place);
  return empty_array(expected);
}

}  // namespace larder::detail
