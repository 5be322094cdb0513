#include "src/value_file.hpp"

#include <utility>

#include <larder/error.hpp>

namespace larder::detail {

value_file::value_file(descriptor file, const load_options& options, object_demand object,
                       const read_policy& policy)
    : file_(std::move(file)),
      options_(options),
      budget_(options.max_bytes),
      own_(read_structure(file_, policy.trailer, budget_, object)),
      structure_(own_),
      loader_(file_, structure_, options_, budget_, policy.arrays) {}

value_file::value_file(const std::string& path, std::shared_ptr<const file_structure> known,
                       const load_options& options, const load_policy& arrays)
    : file_(-1, path),
      options_(options),
      budget_(options.max_bytes),
      known_(std::move(known)),
      structure_(*known_),
      loader_(file_, structure_, options_, budget_, arrays) {}

const stored_segment& value_file::sole_array(dtype expected, result_kind wanted) {
  if (options_.mmap_mode) check_mode(file_.path(), *options_.mmap_mode, wanted);
  if (structure_.is_object() || structure_.sole_array().header.dtype != expected) {
    throw type_mismatch(file_.path(), type_text(expected), structure_.type);
  }
  return structure_.sole_array();
}

raw_array value_file::array(dtype expected, result_kind wanted) {
  return loader_.load(sole_array(expected, wanted), wanted);
}

void value_file::elements(dtype expected, const placement& place) {
  loader_.load_vector(sole_array(expected, result_kind::vector), place);
}

object_source& value_file::object(std::string_view type, std::uint32_t schema) {
  return object_.emplace(file_, structure_, loader_, budget_, type, schema);
}

}  // namespace larder::detail
