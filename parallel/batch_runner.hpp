#pragma once
// What a backend is to the scheduler: something that runs batches of tasks, several at a time, and says when they are done.

#include <chrono>
#include <memory>

#include <larder/detail/function_ref.hpp>
#include <larder/detail/parallel_settings.hpp>
#include <larder/detail/task_batch.hpp>
#include <larder/parallel_stats.hpp>

namespace larder::detail {

/// Thread-safe. Batches begin in the order in which they came, as many of them at a time as worker_count(settings) said when it was made.
class batch_runner {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  /// Batches that have not begun never will; tasks that run are told to stop and waited for, or killed with their process.
  /// Nothing touches a batch any more afterwards.
  virtual ~batch_runner() = default;
  batch_runner(const batch_runner&) = delete;
  batch_runner& operator=(const batch_runner&) = delete;

  /// Takes a batch; it begins when a worker is free. What goes wrong with it becomes its fault().
  virtual void start(std::shared_ptr<task_batch> batch) = 0;

  /// Returns true as soon as ready() does, or false at the deadline; in a child that has inherited this, what ready() says, at once. ready() looks at batches that were started here; it is
  /// called by this thread, after each change of one of them, maybe with a lock held: it looks, and must not throw.
  virtual bool wait(function_ref<bool()> ready, time_point deadline) = 0;

  /// The batch is not wanted any more. True: it has no results, and never will: its fault is a task_cancelled. That is one that has not
  /// begun, or whose process was killed. False: it is settled, or it runs in a thread, where its task is told to stop.
  virtual bool cancel(task_batch& batch) = 0;

  /// No batch begins any more: those that have not never will, and tasks that run are told to stop. Returns when none runs.
  virtual void stop() noexcept = 0;

  /// What was done so far.
  virtual parallel_stats stats() const = 0;

 protected:
  batch_runner() = default;
};

/// What is to be done when a task fails.
enum class on_failure {
  stop,   ///< batches that have not begun never will: they belong to one call
  go_on,  ///< nothing: each batch is a call of its own
};

/// On the team of threads. The settings live as long.
std::unique_ptr<batch_runner> make_thread_runner(const parallel_settings& settings, on_failure then);
/// Each batch in a child of its own.
std::unique_ptr<batch_runner> make_fork_runner(const parallel_settings& settings, on_failure then);
/// On workers that are processes of their own, and stay for other calls.
std::unique_ptr<batch_runner> make_process_runner(const parallel_settings& settings, on_failure then);
/// Of the backend that the settings name.
std::unique_ptr<batch_runner> make_runner(const parallel_settings& settings, on_failure then);

}  // namespace larder::detail
