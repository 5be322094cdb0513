#include "src/array_in_file.hpp"

#include <memory>
#include <utility>

#include <fcntl.h>

#include <larder/error.hpp>

#include "src/array_image.hpp"
#include "src/buffer.hpp"
#include "src/container.hpp"
#include "src/container_writer.hpp"
#include "src/mapping.hpp"
#include "src/npy_header.hpp"
#include "src/shared_file.hpp"

namespace larder::detail {
namespace {

/// It has no name by which others could open it: so that they can map it, it stays open.
std::shared_ptr<const buffer> map_unsealed(const descriptor& file, std::size_t bytes) try {
  if (take_kept_descriptor()) {
    const int fd = ::fcntl(file.fd(), F_DUPFD_CLOEXEC, 0);
    if (fd >= 0) return map_shared(std::make_shared<shared_file>(descriptor(fd, {}), true), bytes, {});
    give_kept_descriptor();
  }
  return map_file(file, bytes, mmap_mode::read_write, {}, {});
} catch (const io_error& e) {
  throw io_error(file.path(), "cannot map", e.errno_value());  // what has no name yet, will have this one
}

/// Of a file with this header.
std::uint64_t bytes_with(const std::string& header, dtype type, const extents& shape) {
  // Checked before the sizes below are added up: what is no array is no file either.
  const std::uint64_t array_end = header.size() + checked_bytes(shape, item_size(type));
  return aligned(array_end) + index_and_trailer_bytes(1);
}

}  // namespace

std::uint64_t array_in_file::file_bytes(dtype type, const extents& shape) {
  return bytes_with(canonical_npy_header(type, false, shape.sizes()), type, shape);
}

array_in_file::array_in_file(const std::string& path, mode_t mode, existing at_path, dtype type,
                             const extents& shape)
    : file_(path, mode, at_path) {
  const std::string header = canonical_npy_header(type, false, shape.sizes());
  const std::uint64_t bytes = bytes_with(header, type, shape);
  file_.file().reserve(bytes);
  file_.file().write_at(text_bytes(header), 0);
  auto mapped = map_unsealed(file_.file(), bytes);
  std::byte* data = mapped->data() + header.size();
  array_ = {std::move(mapped), data, type, layout::row_major(shape, item_size(type))};
}

bool array_in_file::has_other_handles() const noexcept { return array_.owner.use_count() > 1; }

std::uint64_t array_in_file::finish() {
  container_writer out(file_, {});
  out.array_in_place(array_image(array_));
  const std::uint64_t bytes = out.finish();
  array_ = {};
  return bytes;
}

}  // namespace larder::detail
