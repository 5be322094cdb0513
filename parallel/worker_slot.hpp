#pragma once
// What a worker in another process tells all the time, in memory that it shares with the process of the call.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

namespace larder::detail {

/// One worker's. The worker writes all but `consumed`; each has a cache line of its own.
struct alignas(64) worker_slot {
  std::atomic<std::uint64_t> published =
      0;  // of its log: what it wrote before is visible to who sees the number
  std::atomic<std::uint64_t> consumed = 0;  // of its log: what the reader has read
  std::atomic<std::uint64_t> packets = 0;   // of descriptors that it has sent: see file_table
  std::atomic<std::uint64_t> task = 0;      // the one that it is at, or was last
  std::atomic<std::int64_t> started = 0;    // when it began, where there is a timeout; 0: it is at none
  std::atomic<std::int64_t> busy = 0;       // nanoseconds at tasks
  std::atomic<std::uint32_t> batches = 0;
  std::atomic<bool> finished = false;  // it has done all that it was to do

  static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

  using clock = std::chrono::steady_clock;  // the same in all processes

  void begin_task(std::uint64_t index, bool timed) noexcept {
    if (timed) started.store(0, std::memory_order_relaxed);
    task.store(index, std::memory_order_release);
    if (timed) started.store(clock::now().time_since_epoch().count(), std::memory_order_release);
  }
  void end_task() noexcept { started.store(0, std::memory_order_relaxed); }

  struct current {
    std::uint64_t task;
    clock::time_point started;
  };
  /// The task that the worker is at and when it began. Without a value where it is at none, or is just beginning one. No two tasks
  /// of a worker begin at the same time, so a time that stays the same around the look at the task is that of the task.
  std::optional<current> at() const noexcept {
    const std::int64_t before = started.load(std::memory_order_acquire);
    const std::uint64_t index = task.load(std::memory_order_acquire);
    if (before == 0 || started.load(std::memory_order_relaxed) != before) return std::nullopt;
    return current{index, clock::time_point(clock::duration(before))};
  }

  /// That task, if it is over its time.
  std::optional<std::size_t> overdue(clock::duration timeout) const noexcept {
    const auto now = at();
    if (!now || clock::now() < now->started + timeout) return std::nullopt;
    return static_cast<std::size_t>(now->task);
  }
  /// Seconds that it was at tasks.
  double busy_seconds() const noexcept {
    return std::chrono::duration<double>(std::chrono::nanoseconds(busy)).count();
  }
};

/// When workers are to wake the process of the call, which sleeps.
struct alignas(64) wake_request {
  static constexpr std::uint64_t k_never = std::numeric_limits<std::uint64_t>::max();

  std::atomic<std::uint64_t> unread = k_never;  // bytes of a log that are published and not consumed
};

}  // namespace larder::detail
