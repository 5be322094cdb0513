#pragma once
// What a cache was good for so far.

#include <cstdint>

namespace larder {

/// Of all calls through one memory and its copies, in this process.
struct memory_stats {
  std::uint64_t hits = 0;     ///< results that came from the cache, those that were waited for among them
  std::uint64_t misses = 0;   ///< results that were computed
  std::uint64_t waits = 0;    ///< calls that waited for another thread or process to compute
  std::uint64_t bytes = 0;    ///< in the entries that were stored
  std::uint64_t corrupt = 0;  ///< entries that were there and damaged, or unreadable
  double seconds_saved = 0;   ///< that computing the hits had taken when they were stored
};

}  // namespace larder
