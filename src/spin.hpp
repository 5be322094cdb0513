#pragma once
// Waiting for what is about to happen, without giving the processor away.

#include <sched.h>

#include <chrono>

namespace larder::detail {

/// Tells the processor that this is a loop that waits.
inline void pause_briefly() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
  asm volatile("yield");
#endif
}

/// Returns what ready() says: true as soon as it does, false after `longest`. ready() is called every few nanoseconds. Every
/// microsecond the processor goes to another thread that wants it: perhaps to the one that is waited for.
template <class Ready>
bool spin_until(Ready ready, std::chrono::nanoseconds longest) noexcept(noexcept(ready())) {
  constexpr int k_looks = 32;
  const auto begun = std::chrono::steady_clock::now();
  for (;;) {
    for (int i = 0; i < k_looks; ++i) {
      if (ready()) return true;
      pause_briefly();
    }
    if (std::chrono::steady_clock::now() - begun >= longest) return ready();
    ::sched_yield();
  }
}

}  // namespace larder::detail
