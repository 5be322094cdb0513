#pragma once
// Sleeping until a number changes.

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <climits>
#include <cstdint>
#include <ctime>

namespace larder::detail {

/// Sleeps until woken, if `word` is still `seen`. May return without a reason. Within one process.
inline void futex_wait(const std::atomic<std::uint32_t>& word, std::uint32_t seen) noexcept {
  ::syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, seen, nullptr, nullptr, 0);
}

/// The same between processes, on memory that they share; returns after that time at the latest.
inline void futex_wait_shared(const std::atomic<std::uint32_t>& word, std::uint32_t seen,
                              std::chrono::nanoseconds longest) noexcept {
  using namespace std::chrono;
  const timespec left{.tv_sec = duration_cast<seconds>(longest).count(),
                      .tv_nsec = (longest % seconds(1)).count()};
  ::syscall(SYS_futex, &word, FUTEX_WAIT, seen, &left, nullptr, 0);
}
inline void futex_wake_shared(const std::atomic<std::uint32_t>& word) noexcept {
  ::syscall(SYS_futex, &word, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

/// Wakes up to `count` threads that sleep on `word`.
inline void futex_wake(const std::atomic<std::uint32_t>& word, unsigned count) noexcept {
  ::syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, count > INT_MAX ? INT_MAX : static_cast<int>(count),
            nullptr, nullptr, 0);
}

}  // namespace larder::detail
