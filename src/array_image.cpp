#include "src/array_image.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "src/buffer.hpp"
#include "src/npy_header.hpp"
#include "src/strided_copy.hpp"
#include "src/team_loop.hpp"
#include "src/xxh3.hpp"
#include "src/zstd_frames.hpp"

namespace larder::detail {
namespace {

// Writes to one file take turns in the kernel, so two threads are enough: one writes while the other hashes.
constexpr unsigned k_writers = 2;

// A view is copied piece by piece, by all threads there are up to this many: with a piece for each of them, a dump takes
// 12 MiB at most beside the array. (An array of one chunk is copied whole: 4 MiB.)
constexpr unsigned k_most_gatherers = 12;
constexpr std::size_t k_gather_bytes = std::size_t{1} << 20;

}  // namespace

array_image::array_image(const raw_array& a)
    : array_(a),
      fortran_order_(!a.is_row_major() && a.is_column_major()),
      contiguous_(fortran_order_ || a.is_row_major()),
      header_(canonical_npy_header(a.dtype, fortran_order_, a.layout.shape())),
      data_bytes_(a.nbytes()) {}

std::span<const std::byte> array_image::in_place() const noexcept { return {array_.data, data_bytes_}; }

digest array_image::digest() const {
  if (contiguous_) return digest_of(header_, in_place());
  array_digester digester(header_, data_bytes_);
  take_chunks(digester, k_most_gatherers, nullptr);
  return digester.finish();
}

digest array_image::write_to(const descriptor& file, std::uint64_t offset) const {
  if (const auto known = known_digest_of(array_)) {
    // A mapping of a sealed file: its pages are copied once, and not read before.
    file.write_at(text_bytes(header_), offset);
    file.write_at(in_place(), offset + header_.size());
    return *known;
  }
  array_digester digester(header_, data_bytes_);
  file.write_at(text_bytes(header_), offset);
  const destination to{file, offset + header_.size()};
  take_chunks(digester, contiguous_ ? k_writers : k_most_gatherers, &to);
  return digester.finish();
}

digest array_image::append_to(std::string& bytes) const {
  bytes += header_;
  std::vector<std::byte> scratch;
  const auto data = piece(0, static_cast<std::size_t>(data_bytes_), scratch);
  bytes.append(reinterpret_cast<const char*>(data.data()), data.size());
  return digest_of(header_, data);
}

void array_image::take_chunks(array_digester& digester, unsigned most, const destination* to) const {
  for_each_on_team(digester.chunk_count(), most, [&](std::size_t i) { take_chunk(digester, i, to); });
}

void array_image::take_chunk(array_digester& digester, std::size_t i, const destination* to) const {
  std::vector<std::byte> scratch;
  const std::uint64_t begin = i * std::uint64_t{k_chunk_bytes};
  const std::size_t size = digester.chunk_size(i);
  if (contiguous_) {
    // Hashing brings the chunk into the cache, where the copying of the write finds it.
    const auto bytes = piece(begin, size, scratch);
    digester.take(i, bytes);
    if (to != nullptr) to->file.write_at(bytes, to->data_offset + begin);
    return;
  }
  xxh3_stream stream;
  digester.begin(stream);
  for (std::size_t done = 0; done < size;) {
    const auto bytes = piece(begin + done, std::min(k_gather_bytes, size - done), scratch);
    stream.update(bytes);
    if (to != nullptr) to->file.write_at(bytes, to->data_offset + begin + done);
    done += bytes.size();
  }
  digester.take_digest(i, stream.finish());
}

std::span<const std::byte> array_image::piece(std::uint64_t begin, std::size_t size,
                                              std::vector<std::byte>& scratch) const {
  if (contiguous_) return in_place().subspan(static_cast<std::size_t>(begin), size);
  scratch.resize(size);
  gather(array_, static_cast<std::size_t>(begin) / array_.item(), size / array_.item(), scratch.data());
  return scratch;
}

array_image::compressed array_image::compress_to(const descriptor& file, std::uint64_t offset,
                                                 int level) const {
  array_digester digester(header_, data_bytes_);
  // A frame a chunk, so that who compresses a chunk hashes it too; where there are several, the header is a frame of its
  // own, which is cheap to look at.
  const std::size_t chunks = digester.chunk_count();
  const bool together = bytes() <= k_frame_bytes;
  const auto content = [&](std::size_t frame, std::vector<std::byte>& scratch) -> std::span<const std::byte> {
    if (!together && frame == 0) return text_bytes(header_);
    const std::size_t i = together ? 0 : frame - 1;
    const auto bytes = piece(std::uint64_t{i} * k_chunk_bytes, digester.chunk_size(i), scratch);
    digester.take(i, bytes);
    if (!together) return bytes;
    std::vector<std::byte> whole(header_.size() + bytes.size());
    std::ranges::copy(text_bytes(header_), whole.begin());
    std::ranges::copy(bytes, whole.begin() + static_cast<std::ptrdiff_t>(header_.size()));
    scratch = std::move(whole);
    return scratch;
  };
  const std::uint64_t written = write_frames(file, offset, level, together ? 1 : chunks + 1, content);
  return {written, digester.finish()};
}

}  // namespace larder::detail
