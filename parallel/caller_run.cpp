#include "parallel/caller_run.hpp"

#include <chrono>
#include <exception>
#include <optional>

#include <larder/error.hpp>

#include "parallel/indexed_run.hpp"
#include "parallel/progress_reporter.hpp"
#include "parallel/task_clock.hpp"
#include "parallel/worker_setup.hpp"

namespace larder::detail {

void run_in_caller(const parallel_settings& settings, task_batch& batch) {
  using clock = std::chrono::steady_clock;
  const auto begun = clock::now();
  std::size_t i = 0;
  try {
    const worker_scope worker(settings, worker_kind::thread);
    task_scope scope(batch.stop());
    for (; i != batch.count(); ++i) {
      run_within(settings.timeout, scope, batch.first() + i, [&] { batch.run(i); });
      if (!batch.is_whole()) batch.publish(i + 1);
    }
    batch.set_busy(clock::now() - begun);
    batch.publish(batch.count());
  } catch (...) {
    batch.set_busy(clock::now() - begun);
    batch.fail(std::current_exception());
  }
}

void run_in_caller(const parallel_settings& settings, std::size_t count, indexed_tasks& tasks,
                   parallel_stats* stats) {
  const stop_state never;
  const task_scope scope(never);
  const worker_scope worker(settings, worker_kind::thread);
  const auto begun = std::chrono::steady_clock::now();
  progress_reporter progress(settings, count);
  if (progress.is_on()) {
    for (std::size_t i = 0; i != count; ++i) {
      tasks.run(0, i, i + 1);
      progress.report(i + 1);
    }
    progress.finish(count);
  } else {
    tasks.run(0, 0, count);
  }
  if (stats == nullptr) return;
  stats->tasks = count;
  stats->batches = 1;
  stats->seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  stats->worker_seconds = {stats->seconds};
}

}  // namespace larder::detail
