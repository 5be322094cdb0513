#include <larder/create.hpp>

#include <memory>
#include <utility>

#include <fcntl.h>

#include <larder/error.hpp>

#include "src/array_loader.hpp"
#include "src/atomic_file.hpp"
#include "src/container_writer.hpp"
#include "src/mapping.hpp"
#include "src/npy_header.hpp"
#include "src/shared_file.hpp"

namespace larder::detail {

struct unsealed_file {
  atomic_file file;
  bool durable;
  raw_array array;
};

namespace {

/// It has no name by which others could open it: so that they can map it, it stays open.
std::shared_ptr<const buffer> map_unsealed(const descriptor& file, std::size_t bytes) {
  if (take_kept_descriptor()) {
    const int fd = ::fcntl(file.fd(), F_DUPFD_CLOEXEC, 0);
    if (fd >= 0) return map_shared(std::make_shared<shared_file>(descriptor(fd, {}), true), bytes, {});
    give_kept_descriptor();
  }
  return map_file(file, bytes, mmap_mode::read_write, {}, {});
}

}  // namespace

unsealed_array::unsealed_array(const std::filesystem::path& path, dtype type, const extents& shape,
                               const create_options& options) {
  const std::size_t item = item_size(type);
  const std::string header = canonical_npy_header(type, false, shape.sizes());
  // Checked before the sizes below are added up: what is no array is no file either.
  const std::uint64_t array_end = header.size() + checked_bytes(shape, item);
  const std::uint64_t file_bytes = aligned(array_end) + index_and_trailer_bytes(1);

  atomic_file file(path.string(), 0666);
  file.file().reserve(file_bytes);
  file.file().write_at(text_bytes(header), 0);
  auto mapped = map_unsealed(file.file(), file_bytes);
  std::byte* data = mapped->data() + header.size();
  raw_array array{std::move(mapped), data, type, layout::row_major(shape, item)};
  file_ = std::make_unique<unsealed_file>(unsealed_file{std::move(file), options.durable, std::move(array)});
}

unsealed_array::unsealed_array(unsealed_array&&) noexcept = default;
unsealed_array& unsealed_array::operator=(unsealed_array&&) noexcept = default;
unsealed_array::~unsealed_array() = default;

const raw_array& unsealed_array::array() const {
  if (!file_) throw value_error("array_writer: the file is sealed already (or the writer was moved from)");
  return file_->array;
}

raw_array unsealed_array::seal() {
  array();
  const auto sealed = std::move(file_);
  const descriptor& file = sealed->file.file();
  container_writer out(sealed->file, {});
  out.array_in_place(array_image(sealed->array));
  out.finish();

  // What everyone will load from now on.
  const file_structure structure = read_structure(file, trailer_demand::sealed);
  const load_options unread{.verification = verification::structure};
  memory_budget unlimited;
  raw_array mapped = array_loader(file, structure, unread, unlimited)
                         .load(structure.sole_array(), result_kind::read_only_array);
  sealed->file.commit(sealed->durable);
  return mapped;
}

}  // namespace larder::detail
