#pragma once
// A 128-bit content hash (XXH3).

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace larder {

struct digest {
  std::uint64_t low = 0;
  std::uint64_t high = 0;

  /// 32 lower-case hex digits: the high word, then the low.
  std::string hex() const;

  friend bool operator==(const digest&, const digest&) = default;
  friend auto operator<=>(const digest&, const digest&) = default;
};

}  // namespace larder

template <>
struct std::hash<larder::digest> {
  std::size_t operator()(const larder::digest& d) const noexcept { return static_cast<std::size_t>(d.low); }
};
