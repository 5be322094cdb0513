#pragma once
// Tasks whose progress is told by the workers that run them: by whichever has just finished some, while no other is at it, so that
// none waits for another, and the caller works like the others.

#include <atomic>
#include <cstddef>
#include <mutex>

#include <larder/detail/parallel_settings.hpp>
#include <larder/detail/task_batch.hpp>

#include "parallel/progress_reporter.hpp"

namespace larder::detail {

class watched_tasks final : public indexed_tasks {
 public:
  watched_tasks(const parallel_settings& settings, std::size_t count, indexed_tasks& tasks)
      : tasks_(tasks), count_(count), progress_(settings, count) {}

  /// What the program's function throws ends the call as if the task had.
  void run(unsigned worker, std::size_t begin, std::size_t end) override {
    tasks_.run(worker, begin, end);
    done_.fetch_add(end - begin, std::memory_order_relaxed);
    const std::unique_lock lock(telling_, std::try_to_lock);
    // Read under the lock, the numbers do not fall from one report to the next.
    if (lock) progress_.report(done_.load(std::memory_order_relaxed));
  }
  /// When all have returned.
  void finish() { progress_.finish(count_); }

 private:
  indexed_tasks& tasks_;
  const std::size_t count_;
  std::atomic<std::size_t> done_ = 0;
  std::mutex telling_;  // guards the reporter
  progress_reporter progress_;
};

}  // namespace larder::detail
