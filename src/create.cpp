#include <larder/create.hpp>

#include <utility>

#include <larder/error.hpp>

#include "src/array_in_file.hpp"
#include "src/array_loader.hpp"
#include "src/file_structure.hpp"

namespace larder::detail {

struct unsealed_file {
  array_in_file content;
  bool durable;
};

unsealed_array::unsealed_array(const std::filesystem::path& path, dtype type, const extents& shape,
                               const create_options& options)
    : file_(std::make_unique<unsealed_file>(unsealed_file{
          array_in_file(path.string(), 0666, existing::replace, type, shape), options.durable})) {}

unsealed_array::unsealed_array(unsealed_array&&) noexcept = default;
unsealed_array& unsealed_array::operator=(unsealed_array&&) noexcept = default;
unsealed_array::~unsealed_array() = default;

const raw_array& unsealed_array::array() const {
  if (!file_) throw value_error("array_writer: the file is sealed already (or the writer was moved from)");
  return file_->content.array();
}

raw_array unsealed_array::seal() {
  array();
  const auto sealed = std::move(file_);
  sealed->content.finish();

  // What everyone will load from now on.
  const descriptor& file = sealed->content.file().file();
  const file_structure structure = read_structure(file, trailer_demand::sealed);
  const load_options unread{.verification = verification::structure};
  memory_budget unlimited;
  raw_array mapped = array_loader(file, structure, unread, unlimited)
                         .load(structure.sole_array(), result_kind::read_only_array);
  sealed->content.file().commit(sealed->durable);
  return mapped;
}

}  // namespace larder::detail
