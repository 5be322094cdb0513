#include <larder/create.hpp>

#include <utility>

#include <larder/error.hpp>

#include "src/array_digest.hpp"
#include "src/array_reader.hpp"
#include "src/atomic_file.hpp"
#include "src/container.hpp"
#include "src/mapping.hpp"
#include "src/npy_header.hpp"

namespace larder::detail {

struct unsealed_file {
  atomic_file file;
  bool durable;
  std::string header;
  std::uint64_t file_bytes;
  raw_array array;

  std::uint64_t array_end() const noexcept { return header.size() + array.nbytes(); }
};

unsealed_array::unsealed_array(const std::filesystem::path& path, dtype type, const extents& shape,
                               const create_options& options) {
  const std::size_t item = item_size(type);
  std::string header = canonical_npy_header(type, false, shape.sizes());
  // Checked before the sizes below are added up: what is no array is no file either.
  const std::uint64_t array_end = header.size() + checked_bytes(shape, item);
  const std::uint64_t file_bytes = array_end + container_tail_bytes(array_end, 0);

  atomic_file file(path.string(), 0666);
  file.file().reserve(file_bytes);
  file.file().write_at(text_bytes(header), 0);
  auto mapped = map_file(file.file(), file_bytes, mmap_mode::read_write, {});
  std::byte* data = mapped->data() + header.size();
  raw_array array{std::move(mapped), data, type, layout::row_major(shape, item)};
  file_ = std::make_unique<unsealed_file>(
      unsealed_file{std::move(file), options.durable, std::move(header), file_bytes, std::move(array)});
}

unsealed_array::unsealed_array(unsealed_array&&) noexcept = default;
unsealed_array& unsealed_array::operator=(unsealed_array&&) noexcept = default;
unsealed_array::~unsealed_array() = default;

const raw_array& unsealed_array::array() const {
  if (!file_) throw value_error("array_writer: the file is sealed already (or the writer was moved from)");
  return file_->array;
}

raw_array unsealed_array::seal() {
  const raw_array& a = array();
  const auto file = std::move(file_);
  const digest digest = digest_of(file->header, {a.data, a.nbytes()});
  const auto header_bytes = static_cast<std::uint32_t>(file->header.size());
  const std::string tail = container_tail(header_bytes, file->array_end(), digest, {});
  file->file.file().write_at(text_bytes(tail), file->array_end());

  npy_header header;
  header.dtype = a.dtype;
  header.shape = extents(a.layout.shape());
  header.bytes = file->header.size();
  raw_array sealed = map_sealed(file->file.file(), header, file->file_bytes);
  file->file.commit(file->durable, existing::replace);
  return sealed;
}

}  // namespace larder::detail
