#include "src/array_digest.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>

#include "src/cpu_count.hpp"
#include "src/descriptor.hpp"
#include "src/little_endian.hpp"
#include "src/team.hpp"

namespace larder::detail {

array_digester::array_digester(std::string_view header, std::uint64_t data_bytes)
    : header_(header),
      data_bytes_(data_bytes),
      chunk_count_(
          std::max<std::uint64_t>(1, data_bytes / k_chunk_bytes + (data_bytes % k_chunk_bytes != 0))),
      chunks_(chunk_count_) {}

std::size_t array_digester::chunk_size(std::size_t i) const noexcept {
  return static_cast<std::size_t>(std::min<std::uint64_t>(k_chunk_bytes, data_bytes_ - i * k_chunk_bytes));
}

void array_digester::take(std::size_t i, std::span<const std::byte> bytes) {
  if (chunk_count_ > 1) {
    chunks_[i] = xxh3_128(bytes);
    return;
  }
  std::array<std::byte, 1024> small;
  if (header_.size() + bytes.size() <= small.size()) {
    std::memcpy(small.data(), header_.data(), header_.size());
    if (!bytes.empty()) std::memcpy(small.data() + header_.size(), bytes.data(), bytes.size());
    chunks_[0] = xxh3_128(std::span(small).first(header_.size() + bytes.size()));
  } else {
    xxh3_stream stream;
    stream.update(text_bytes(header_));
    stream.update(bytes);
    chunks_[0] = stream.finish();
  }
}

digest array_digester::finish() const {
  if (chunk_count_ == 1) return chunks_[0];
  xxh3_stream stream;
  stream.update(text_bytes(header_));
  for (const digest& chunk : chunks_) {
    std::array<std::byte, 16> stored;
    put(stored, 0, chunk.low);
    put(stored, 8, chunk.high);
    stream.update(stored);
  }
  return stream.finish();
}

void for_each_chunk(const array_digester& digester, function_ref<void(std::size_t) noexcept> body,
                    unsigned most_threads) {
  const std::size_t count = digester.chunk_count();
  if (count == 1) return body(0);
  // The cursor hands every chunk to one thread; run_on_team orders what they wrote before what follows it.
  std::atomic<std::size_t> next = 0;
  const auto workers =
      static_cast<unsigned>(std::min<std::size_t>(std::min(cpus_for_core_work(), most_threads), count));
  run_on_team(workers, [&](unsigned) noexcept {
    for (std::size_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < count;) body(i);
  });
}

digest digest_of(std::string_view header, std::span<const std::byte> data) {
  array_digester digester(header, data.size());
  if (digester.chunk_count() == 1) {
    digester.take(0, data);
  } else {
    // Chunks of a tree are hashed in one go, which neither allocates nor throws.
    for_each_chunk(digester, [&](std::size_t i) noexcept {
      digester.take(i, data.subspan(i * k_chunk_bytes, digester.chunk_size(i)));
    });
  }
  return digester.finish();
}

}  // namespace larder::detail
