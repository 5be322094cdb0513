#include <larder/detail/hash_stream.hpp>

#include <bit>
#include <cstring>

#include "src/little_endian.hpp"
#include "src/xxh3.hpp"

namespace larder::detail {

struct hash_stream::long_state {
  xxh3_stream xxh;
};

hash_stream::hash_stream() noexcept = default;
hash_stream::~hash_stream() = default;

void hash_stream::sequence(std::uint64_t count) {
  tag('t');
  little_endian(count, 8);
}

void hash_stream::boolean(bool value) {
  tag('b');
  little_endian(value ? 1 : 0, 1);
}

void hash_stream::signed_integer(std::int64_t value, std::uint8_t size) {
  tag('i');
  little_endian(size, 1);
  little_endian(static_cast<std::uint64_t>(value), size);
}

void hash_stream::unsigned_integer(std::uint64_t value, std::uint8_t size) {
  tag('u');
  little_endian(size, 1);
  little_endian(value, size);
}

void hash_stream::real(float value) {
  tag('f');
  little_endian(4, 1);
  little_endian(std::bit_cast<std::uint32_t>(value), 4);
}

void hash_stream::real(double value) {
  tag('f');
  little_endian(8, 1);
  little_endian(std::bit_cast<std::uint64_t>(value), 8);
}

void hash_stream::real(half value) {
  tag('f');
  little_endian(2, 1);
  little_endian(value.bits(), 2);
}

void hash_stream::real(bfloat16 value) {
  tag('B');
  little_endian(value.bits(), 2);
}

void hash_stream::complex(std::complex<float> value) {
  tag('c');
  little_endian(8, 1);
  little_endian(std::bit_cast<std::uint32_t>(value.real()), 4);
  little_endian(std::bit_cast<std::uint32_t>(value.imag()), 4);
}

void hash_stream::complex(std::complex<double> value) {
  tag('c');
  little_endian(16, 1);
  little_endian(std::bit_cast<std::uint64_t>(value.real()), 8);
  little_endian(std::bit_cast<std::uint64_t>(value.imag()), 8);
}

void hash_stream::text(std::string_view value) {
  tag('s');
  little_endian(value.size(), 8);
  append(value.data(), value.size());
}

void hash_stream::array(const digest& value) {
  tag('a');
  little_endian(value.low, 8);
  little_endian(value.high, 8);
}

void hash_stream::present(bool there) { tag(there ? 'y' : 'n'); }

void hash_stream::alternative(std::uint32_t index) {
  tag('v');
  little_endian(index, 4);
}

void hash_stream::run(const void* first, std::uint64_t n, std::uint64_t size) {
  tag('w');
  little_endian(n, 8);
  little_endian(size, 8);
  append(first, static_cast<std::size_t>(n * size));
}

void hash_stream::begin_structure(std::string_view name) {
  tag('o');
  little_endian(name.size(), 8);
  append(name.data(), name.size());
}

void hash_stream::end_structure() { tag('e'); }

void hash_stream::unordered(std::span<const digest> values) {
  tag('x');
  little_endian(values.size(), 8);
  for (const digest& value : values) {
    little_endian(value.low, 8);
    little_endian(value.high, 8);
  }
}

void hash_stream::tag(char c) { append(&c, 1); }

void hash_stream::little_endian(std::uint64_t value, std::size_t bytes) {
  static_assert(std::endian::native == std::endian::little);
  append(&value, bytes);
}

void hash_stream::append(const void* bytes, std::size_t size) {
  if (size == 0) return;
  if (size > buffer_.size() - used_) {
    spill();
    if (size > buffer_.size()) return long_->xxh.update({static_cast<const std::byte*>(bytes), size});
  }
  std::memcpy(buffer_.data() + used_, bytes, size);
  used_ += size;
}

void hash_stream::spill() {
  if (!long_) long_ = std::make_unique<long_state>();
  long_->xxh.update(std::span(buffer_).first(used_));
  used_ = 0;
}

digest hash_stream::finish() noexcept {
  const auto rest = std::span(buffer_).first(used_);
  if (!long_) return xxh3_128(rest);
  long_->xxh.update(rest);
  return long_->xxh.finish();
}

}  // namespace larder::detail
