#pragma once
// The bytes behind hashes, put together from docs/format.md ("Hashes of values") and xxhash alone.

#include <larder/digest.hpp>

#include <xxhash.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hash_bytes {

inline std::string word(std::uint64_t n, std::size_t bytes = 8) {
  std::string w;
  for (std::size_t b = 0; b < bytes; ++b) w += static_cast<char>(n >> (8 * b) & 0xff);
  return w;
}

inline larder::digest xxh3(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.low64, hash.high64};
}

// The pieces of the stream.
inline std::string of(const larder::digest& d) { return word(d.low) + word(d.high); }
inline std::string seq(std::uint64_t n) { return "t" + word(n); }
inline std::string i32(std::int32_t n) { return std::string("i\4") + word(static_cast<std::uint32_t>(n), 4); }
inline std::string u64(std::uint64_t n) { return std::string("u\x8") + word(n); }
inline std::string text(std::string_view s) { return "s" + word(s.size()) + std::string(s); }
inline std::string run(std::uint64_t n, std::uint64_t size, const std::string& bytes) {
  return "w" + word(n) + word(size) + bytes;
}
inline std::string arr(const larder::digest& d) { return "a" + of(d); }
inline std::string object(std::string_view name, const std::string& body) {
  return "o" + word(name.size()) + std::string(name) + body + "e";
}
inline std::string unordered(const std::vector<std::string>& elements) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> digests;
  for (const auto& e : elements) digests.emplace_back(xxh3(e).low, xxh3(e).high);
  std::sort(digests.begin(), digests.end());
  std::string s = "x" + word(digests.size());
  for (const auto& [low, high] : digests) s += word(low) + word(high);
  return s;
}

}  // namespace hash_bytes
