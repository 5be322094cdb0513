#pragma once
// A mutex for what takes some tens of nanoseconds.

#include <atomic>
#include <cstdint>

#include "src/futex.hpp"
#include "src/spin.hpp"

namespace larder::detail {

/// Who finds it taken looks again for a moment before it sleeps. Constant-initialised and trivially destructible; a child of fork whose
/// thread held it owns it there.
class short_mutex {
 public:
  void lock() noexcept {
    std::uint32_t seen = k_free;
    if (state_.compare_exchange_strong(seen, k_taken, std::memory_order_acquire, std::memory_order_relaxed))
      return;
    for (int i = 0; i < k_looks; ++i) {
      pause_briefly();
      seen = state_.load(std::memory_order_relaxed);
      if (seen == k_free &&
          state_.compare_exchange_strong(seen, k_taken, std::memory_order_acquire, std::memory_order_relaxed))
        return;
    }
    // From here as one of perhaps several who sleep: whoever had it has to wake one, which may find it taken again.
    while (state_.exchange(k_slept_on, std::memory_order_acquire) != k_free) futex_wait(state_, k_slept_on);
  }

  void unlock() noexcept {
    if (state_.exchange(k_free, std::memory_order_release) == k_slept_on) futex_wake(state_, 1);
  }

 private:
  static constexpr std::uint32_t k_free = 0;
  static constexpr std::uint32_t k_taken = 1;
  static constexpr std::uint32_t k_slept_on = 2;  // taken, and someone may sleep
  static constexpr int k_looks = 200;             // some microseconds

  std::atomic<std::uint32_t> state_ = k_free;
};

}  // namespace larder::detail
