#pragma once
// How the tasks of a map are shared out: each worker has a part of them, and who is done takes from others.
//
//   alignas(task_ranges) std::byte room[task_ranges::bytes_needed(4)];
//   task_ranges& ranges = task_ranges::make(room, count, 4, 0);
//   // in each worker:
//   task_taker taker(ranges, worker);
//   for (auto tasks = taker.next(); !tasks.empty(); tasks = taker.next()) run(tasks.begin, tasks.end);

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace larder::detail {

/// Consecutive tasks [begin, end).
struct task_range {
  std::size_t begin;
  std::size_t end;
  bool empty() const noexcept { return begin == end; }
  std::size_t size() const noexcept { return end - begin; }
};

/// The tasks [0, count) of a call that nobody has taken yet, in a range for each worker. It lies in memory that the caller
/// provides, which processes may share: it has no pointers, its atomics are free of locks, and there is nothing to
/// destroy. A worker that never comes, or dies, leaves its range to the others.
///
/// It is thread-safe, and orders nothing but itself: tasks see what was written before the call because their backend starts
/// the workers after it.
class alignas(64) task_ranges {
 public:
  static constexpr std::size_t bytes_needed(unsigned workers) noexcept {
    return sizeof(task_ranges) + workers * sizeof(slot);
  }

  /// In `storage`, aligned for a task_ranges, of bytes_needed(workers) bytes. At least one worker. A batch_size of 0 is automatic.
  static task_ranges& make(void* storage, std::size_t count, unsigned workers,
                           std::size_t batch_size) noexcept;

  /// No more tasks are handed out.
  void stop() noexcept { stopped_.store(true, std::memory_order_relaxed); }
  bool stopped() const noexcept { return stopped_.load(std::memory_order_relaxed); }

  unsigned workers() const noexcept { return workers_; }

 private:
  friend class task_taker;

  // A range of units, begin in the upper half and end in the lower: one word decides who gets what. Each has a cache line of
  // its own, as its owner changes it for every batch.
  struct alignas(64) slot {
    std::atomic<std::uint64_t> range;
  };
  static_assert(std::atomic<std::uint64_t>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

  task_ranges(std::size_t count, unsigned workers, std::size_t batch_size) noexcept;

  slot* slots() noexcept { return reinterpret_cast<slot*>(this + 1); }
  task_range tasks_of(std::uint64_t first, std::uint64_t last) const noexcept {
    return {first * unit_, last == units_ ? count_ : last * unit_};
  }

  const std::size_t count_;
  const std::size_t batch_size_;
  // Tasks are counted in units of so many, so that both ends of a range go into one word: one, or a batch of the size that was
  // asked for, or several of these where there are more than 2^32.
  std::size_t unit_;
  std::uint64_t units_;
  const unsigned workers_;
  std::atomic<bool> stopped_ = false;
};

/// One worker's end of it: where its batches come from, and how large they are. For one thread.
///
/// An automatic batch is to take some microseconds, so that handing it out costs next to nothing and little is left alone with
/// whoever has it when others are done. It begins with single tasks, and expensive ones always travel singly. It
/// leaves most of the range where others can take it, so that the last batches are small.
class task_taker {
 public:
  task_taker(task_ranges& from, unsigned worker) noexcept : from_(from), worker_(worker) {}

  /// The worker is done with what it got last. The next batch: of exactly the size that was asked for, but for the last; empty
  /// when all tasks are taken, or after stop().
  task_range next() noexcept;

  std::size_t batches() const noexcept { return batches_; }
  std::size_t tasks() const noexcept { return tasks_; }

 private:
  using clock = std::chrono::steady_clock;

  task_range take() noexcept;
  bool steal() noexcept;
  void measure() noexcept;

  task_ranges& from_;
  const unsigned worker_;
  task_range rest_ = {0, 0};  // of a unit that is more than a batch
  std::uint64_t size_ = 0;    // units of the last automatic batch; 0: there was none
  std::uint64_t next_size_ = 1;
  clock::time_point begun_;
  std::size_t batches_ = 0;
  std::size_t tasks_ = 0;
};

}  // namespace larder::detail
