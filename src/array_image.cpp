#include "src/array_image.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <utility>
#include <vector>

#include "src/cpu_count.hpp"
#include "src/npy_header.hpp"
#include "src/strided_copy.hpp"
#include "src/team.hpp"
#include "src/zstd_frames.hpp"

namespace larder::detail {

array_image::array_image(const raw_array& a)
    : array_(a),
      fortran_order_(!a.is_row_major() && a.is_column_major()),
      contiguous_(fortran_order_ || a.is_row_major()),
      header_(canonical_npy_header(a.dtype, fortran_order_, a.layout.shape())),
      data_bytes_(a.nbytes()) {}

std::span<const std::byte> array_image::in_place() const noexcept { return {array_.data, data_bytes_}; }

std::span<const std::byte> array_image::chunk(std::size_t i, std::size_t size,
                                              std::vector<std::byte>& scratch) const {
  if (contiguous_) return in_place().subspan(i * k_chunk_bytes, size);
  scratch.resize(size);
  gather(array_, i * (k_chunk_bytes / array_.item()), size / array_.item(), scratch.data());
  return scratch;
}

digest array_image::digest() const {
  if (contiguous_) return digest_of(header_, in_place());
  array_digester digester(header_, data_bytes_);
  std::vector<std::byte> scratch;
  for (std::size_t i = 0; i < digester.chunk_count(); ++i) {
    digester.take(i, chunk(i, digester.chunk_size(i), scratch));
  }
  return digester.finish();
}

digest array_image::write_to(const descriptor& file, std::uint64_t offset) const {
  array_digester digester(header_, data_bytes_);
  const std::size_t count = digester.chunk_count();
  if (!contiguous_ || count == 1) {
    std::vector<std::byte> scratch;
    file.write_at(text_bytes(header_), offset);
    for (std::size_t i = 0; i < count; ++i) {
      const auto bytes = chunk(i, digester.chunk_size(i), scratch);
      digester.take(i, bytes);
      file.write_at(bytes, offset + header_.size() + i * k_chunk_bytes);
    }
    return digester.finish();
  }
  // Writing is one thread's work (two do not speed up a fresh file); another hashes meanwhile, and who is done first
  // helps with the hashing. The cursor gives each chunk to one thread; run_on_team orders what the threads wrote
  // before the finish. Only the caller, worker 0, touches `fault`.
  std::atomic<std::size_t> next = 0;
  std::exception_ptr fault;
  run_on_team(std::min(2U, cpus_for_core_work()), [&](unsigned worker) noexcept {
    if (worker == 0) {
      try {
        file.write_at(text_bytes(header_), offset);
        file.write_at(in_place(), offset + header_.size());
      } catch (...) {
        fault = std::current_exception();
        next.store(count, std::memory_order_relaxed);
      }
    }
    for (std::size_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < count;) {
      digester.take(i, in_place().subspan(i * k_chunk_bytes, digester.chunk_size(i)));
    }
  });
  if (fault) std::rethrow_exception(fault);
  return digester.finish();
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
    const auto bytes = chunk(i, digester.chunk_size(i), scratch);
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
