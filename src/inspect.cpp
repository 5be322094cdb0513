#include <larder/inspect.hpp>

#include <fcntl.h>

#include "src/array_image.hpp"
#include "src/array_reader.hpp"
#include "src/array_writer.hpp"
#include "src/atomic_file.hpp"
#include "src/file_structure.hpp"

namespace larder {
namespace {

file_info describe(const detail::file_structure& file) {
  const detail::npy_header& header = file.header;
  file_info info;
  info.state = !file.container ? file_state::plain : file.dirty ? file_state::dirty : file_state::sealed;
  info.dtype = header.dtype;
  info.foreign_byte_order = header.foreign_byte_order;
  info.fortran_order = header.fortran_order;
  info.shape.assign(header.shape.sizes().begin(), header.shape.sizes().end());
  info.file_bytes = file.file_bytes;
  info.data_offset = header.bytes;
  info.data_bytes = header.data_bytes;
  info.digest = file.digest;
  info.metadata = file.metadata;
  return info;
}

}  // namespace

file_info inspect(const std::filesystem::path& path) {
  const auto file = detail::descriptor::open(path.string(), O_RDONLY);
  return describe(detail::read_structure(file, detail::trailer_demand::as_found));
}

file_info verify(const std::filesystem::path& path) {
  const auto file = detail::descriptor::open(path.string(), O_RDONLY);
  const detail::file_structure structure = detail::read_structure(file, detail::trailer_demand::as_found);
  detail::verify_data(file, structure);
  return describe(structure);
}

void reseal(const std::filesystem::path& path) {
  const auto file = detail::descriptor::open(path.string(), O_RDONLY);
  const detail::file_structure structure = detail::read_structure(file, detail::trailer_demand::as_found);
  if (structure.checked_digest()) return;
  const auto content = detail::read_open_array(
      file, structure, {.wanted = detail::result_kind::read_only_array, .options = load_options{}});
  detail::atomic_file sealed(path.string(), 0666);
  detail::write_array(sealed, detail::array_image(content), detail::file_form::container, structure.metadata);
  sealed.commit(false, detail::existing::replace);
}

}  // namespace larder
