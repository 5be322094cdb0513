#pragma once
// A task against its timeout, in the thread that runs it.

#include <chrono>
#include <cstddef>
#include <optional>

#include <larder/detail/stop_state.hpp>
#include <larder/error.hpp>

namespace larder::detail {

inline timeout_error timed_out(std::size_t task, std::chrono::nanoseconds timeout) {
  return {task, std::chrono::duration<double>(timeout).count()};
}

/// Calls run(), which is the task with this index, and sees to it that stop_requested() knows its deadline. timeout_error where it
/// took too long, whatever it did. Without a timeout it is just called.
template <class Run>
void run_within(std::optional<std::chrono::nanoseconds> timeout, task_scope& scope, std::size_t task,
                Run run) {
  if (!timeout) return run();
  const auto deadline = std::chrono::steady_clock::now() + *timeout;
  scope.set_deadline(deadline);
  const auto check = [&] {
    if (std::chrono::steady_clock::now() >= deadline) throw timed_out(task, *timeout);
  };
  try {
    run();
  } catch (...) {
    check();
    throw;
  }
  check();
}

}  // namespace larder::detail
