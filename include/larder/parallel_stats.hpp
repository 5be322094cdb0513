#pragma once
// What a parallel call did.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace larder {

struct parallel_stats {
  std::size_t tasks = 0;               ///< that were finished
  std::size_t batches = 0;             ///< in which they were handed out
  std::size_t retries = 0;             ///< tasks that were run again
  double seconds = 0;                  ///< that the call took, or has taken so far
  std::vector<double> worker_seconds;  ///< that each worker was at tasks
  std::uint64_t bytes_mapped = 0;      ///< of results, that came to the caller as mappings
  std::uint64_t bytes_copied = 0;      ///< of results, that were copied from worker to caller

  /// The part of the workers' time in which they were not at tasks: 0 to 1.
  double idle_share() const noexcept {
    if (worker_seconds.empty() || seconds <= 0) return 0;
    double busy = 0;
    for (const double each : worker_seconds) busy += each;
    const double share = 1 - busy / (seconds * static_cast<double>(worker_seconds.size()));
    return share < 0 ? 0 : share;
  }
};

}  // namespace larder
