#include "src/xxh3.hpp"

#include <new>

#if defined(__x86_64__)
#include <xxh_x86dispatch.h>  // renames the XXH3 functions to those that look at the processor first
#else
#include <xxhash.h>
#endif

namespace larder::detail {
namespace {

digest to_digest(XXH128_hash_t hash) noexcept { return {.low = hash.low64, .high = hash.high64}; }

}  // namespace

std::uint64_t xxh3_64(std::span<const std::byte> bytes) noexcept {
  return XXH3_64bits(bytes.data(), bytes.size());
}

digest xxh3_128(std::span<const std::byte> bytes) noexcept {
  return to_digest(XXH3_128bits(bytes.data(), bytes.size()));
}

xxh3_stream::xxh3_stream() : state_(XXH3_createState()) {
  if (state_ == nullptr) throw std::bad_alloc();
  XXH3_128bits_reset(state_);
}

xxh3_stream::~xxh3_stream() { XXH3_freeState(state_); }

void xxh3_stream::update(std::span<const std::byte> bytes) noexcept {
  XXH3_128bits_update(state_, bytes.data(), bytes.size());
}

digest xxh3_stream::finish() const noexcept { return to_digest(XXH3_128bits_digest(state_)); }

}  // namespace larder::detail
