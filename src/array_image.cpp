#include "src/array_image.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <vector>

#include "src/cpu_count.hpp"
#include "src/npy_header.hpp"
#include "src/strided_copy.hpp"
#include "src/team.hpp"

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

digest array_image::write_to(const descriptor& file) const {
  array_digester digester(header_, data_bytes_);
  const std::size_t count = digester.chunk_count();
  if (!contiguous_ || count == 1) {
    std::vector<std::byte> scratch;
    file.write(text_bytes(header_));
    for (std::size_t i = 0; i < count; ++i) {
      const auto bytes = chunk(i, digester.chunk_size(i), scratch);
      digester.take(i, bytes);
      file.write(bytes);
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
        file.write(text_bytes(header_));
        file.write(in_place());
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

}  // namespace larder::detail
