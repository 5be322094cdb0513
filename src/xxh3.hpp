#pragma once
// XXH3 of bytes, with the widest vector instructions that this processor has.

#include <cstddef>
#include <cstdint>
#include <span>

#include <larder/digest.hpp>

struct XXH3_state_s;  // xxhash.h

namespace larder::detail {

std::uint64_t xxh3_64(std::span<const std::byte> bytes) noexcept;
digest xxh3_128(std::span<const std::byte> bytes) noexcept;

/// XXH3-128 of bytes that come in pieces.
class xxh3_stream {
 public:
  xxh3_stream();  // std::bad_alloc
  ~xxh3_stream();
  xxh3_stream(const xxh3_stream&) = delete;
  xxh3_stream& operator=(const xxh3_stream&) = delete;

  void update(std::span<const std::byte> bytes) noexcept;
  digest finish() const noexcept;

 private:
  ::XXH3_state_s* state_;
};

}  // namespace larder::detail
