#include "src/array_digest.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "src/descriptor.hpp"
#include "src/little_endian.hpp"
#include "src/team_loop.hpp"

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
    begin(stream);
    stream.update(bytes);
    chunks_[0] = stream.finish();
  }
}

void array_digester::begin(xxh3_stream& chunk) const noexcept {
  if (chunk_count_ == 1) chunk.update(text_bytes(header_));
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

digest digest_of(std::string_view header, std::span<const std::byte> data) {
  array_digester digester(header, data.size());
  for_each_on_team(digester.chunk_count(), k_all_processors, [&](std::size_t i) {
    digester.take(i, data.subspan(i * k_chunk_bytes, digester.chunk_size(i)));
  });
  return digester.finish();
}

}  // namespace larder::detail
