#pragma once
// The byte stream that is hashed for values other than arrays; docs/format.md lays it down.

#include <array>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <memory>
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
