#pragma once
// How long to look out for what may come soon, before sleeping until it comes.

#include <chrono>

#include "src/spin.hpp"

namespace larder::detail {

/// Of one thread that waits again and again. It looks out for longer where that would have been enough the last time: whoever sleeps is
/// woken late, and one call that is late because of that makes the others sleep, too. Where things come slower than that,
/// looking out for longer would only take processors from others.
class look_out {
 public:
  using clock = std::chrono::steady_clock;

  /// Returns what ready() says, as soon as it is true, or when the time is over. Whoever sleeps after that calls end_sleep().
  template <class Ready>
  bool wait(Ready ready) {
    begun_ = clock::now();
    return spin_until(ready, longest_);
  }

  void end_sleep() noexcept { longest_ = clock::now() - begun_ <= k_long ? k_long : k_short; }

 private:
  static constexpr std::chrono::microseconds k_short{50};
  static constexpr std::chrono::microseconds k_long{200};

  std::chrono::microseconds longest_ = k_short;
  clock::time_point begun_;
};

}  // namespace larder::detail
