#pragma once
// poll(2) with a deadline.

#include <algorithm>
#include <chrono>
#include <span>

#include <poll.h>

namespace larder::detail {

/// Returns at the deadline at the latest, or earlier for no reason (a signal); `until` may be the largest time: no deadline.
/// All revents are set.
inline void poll_until(std::span<pollfd> polled, std::chrono::steady_clock::time_point until) noexcept {
  using clock = std::chrono::steady_clock;
  using namespace std::chrono;
  timespec left{};
  const bool is_bounded = until != clock::time_point::max();
  if (is_bounded) {
    const nanoseconds rest = std::max(nanoseconds(until - clock::now()), nanoseconds(0));
    left.tv_sec = duration_cast<seconds>(rest).count();
    left.tv_nsec = (rest % seconds(1)).count();
  }
  if (::ppoll(polled.data(), polled.size(), is_bounded ? &left : nullptr, nullptr) >= 0) return;
  for (pollfd& each : polled) each.revents = 0;
}

}  // namespace larder::detail
