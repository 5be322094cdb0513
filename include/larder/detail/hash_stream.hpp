#pragma once
// The byte stream that is hashed for values other than arrays; docs/format.md lays it down.

#include <array>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include <larder/digest.hpp>
#include <larder/half.hpp>

namespace larder::detail {

/// Tagged, delimited pieces, so that no two different sequences of values give the same bytes.
class hash_stream {
 public:
  hash_stream() noexcept;
  ~hash_stream();
  hash_stream(const hash_stream&) = delete;
  hash_stream& operator=(const hash_stream&) = delete;

  /// Starts a sequence of `count` values.
  void sequence(std::uint64_t count);
  void boolean(bool value);
  /// Two's complement, `size` bytes wide, little-endian.
  void signed_integer(std::int64_t value, std::uint8_t size);
  void unsigned_integer(std::uint64_t value, std::uint8_t size);
  /// By their bits: 0.0 and -0.0 are two values, and a NaN is itself.
  void real(float value);
  void real(double value);
  void real(half value);
  void real(bfloat16 value);
  void complex(std::complex<float> value);
  void complex(std::complex<double> value);
  void text(std::string_view value);
  void array(const digest& value);
  /// Whether an optional or a pointer holds something; that follows.
  void present(bool there);
  /// Which alternative of a variant follows.
  void alternative(std::uint32_t index);
  /// `n` values of `size` bytes, as they lie.
  void run(const void* first, std::uint64_t n, std::uint64_t size);
  /// What follows, up to the end, belongs to a value of a user's type.
  void begin_structure(std::string_view name);
  void end_structure();
  /// Values without an order among them, by their digests, which are sorted.
  void unordered(std::span<const digest> values);

  /// The digest of everything so far; nothing is added afterwards.
  digest finish() noexcept;

 private:
  struct long_state;  // once the pieces outgrow buffer_

  void tag(char c);
  void little_endian(std::uint64_t value, std::size_t bytes);
  void append(const void* bytes, std::size_t size);
  void spill();

  std::array<std::byte, 240> buffer_;  // the size up to which XXH3 has its short paths
  std::size_t used_ = 0;
  std::unique_ptr<long_state> long_;
};

}  // namespace larder::detail
