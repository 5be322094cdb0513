#pragma once
// What stop_requested() looks at: one per call or submitted task, and which of them this thread works for.

#include <atomic>
#include <chrono>

namespace larder::detail {

/// Set by whoever ends the call, seen by its tasks. It lives until no task refers to it.
class stop_state {
 public:
  void request() noexcept { requested_.store(true, std::memory_order_relaxed); }
  /// By whoever may request it, where no task refers to it: it may serve another call.
  void reset() noexcept { requested_.store(false, std::memory_order_relaxed); }
  bool requested() const noexcept { return requested_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> requested_ = false;
};

/// While it lives, this thread is at tasks of a call; scopes nest as calls do, and what stops an outer one stops those within.
class task_scope {
 public:
  explicit task_scope(const stop_state& stop) noexcept : task_scope(stop, current()) {}
  /// Within a scope of another thread, which waits for this one.
  task_scope(const stop_state& stop, const task_scope* outer) noexcept;
  ~task_scope();
  task_scope(const task_scope&) = delete;
  task_scope& operator=(const task_scope&) = delete;

  /// From now on, until the next call, stop_requested() is also true after this point in time.
  void set_deadline(std::chrono::steady_clock::time_point deadline) noexcept {
    deadline_ = deadline;
    has_deadline_ = true;
  }

  bool stop_requested() const noexcept;

  /// This thread's innermost; null outside of tasks.
  static const task_scope* current() noexcept;

 private:
  const stop_state& stop_;
  std::chrono::steady_clock::time_point deadline_;
  bool has_deadline_ = false;
  const task_scope* const outer_;   // what stops that, stops this
  const task_scope* const before_;  // of this thread
};

}  // namespace larder::detail
