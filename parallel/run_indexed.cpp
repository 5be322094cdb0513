#include <larder/parallel.hpp>

#include <cstddef>

#include "parallel/indexed_run.hpp"
#include "parallel/progress_reporter.hpp"
#include "parallel/watched_tasks.hpp"
#include "parallel/worker_count.hpp"

namespace larder::detail {

bool runs_here(const parallel_settings& settings) noexcept {
  const bool has_processes = settings.backend == backend::fork || settings.backend == backend::processes;
  return !has_processes || worker_count(settings) == 1;
}

bool reads_in_caller(const parallel_settings& settings) noexcept {
  return settings.pre_dispatch != 0 || (settings.timeout && runs_here(settings));
}

void run_indexed(const parallel_settings& settings, std::size_t count, travelling_tasks& tasks,
                 parallel_stats* stats) {
  if (count == 0 || runs_here(settings)) return run_indexed_here(settings, count, tasks, stats);
  if (settings.backend == backend::fork) {
    run_on_fork(settings, count, tasks, stats);
  } else {
    run_on_processes(settings, count, tasks, stats);
  }
}

void run_indexed_here(const parallel_settings& settings, std::size_t count, indexed_tasks& tasks,
                      parallel_stats* stats) {
  if (stats != nullptr) *stats = {};
  if (count == 0) return progress_reporter(settings, 0).finish(0);
  if (worker_count(settings) == 1 || count == 1) {
    run_in_caller(settings, count, tasks, stats);
  } else if (is_watched(settings)) {
    watched_tasks watched(settings, count, tasks);
    run_on_threads(settings, count, watched, stats);
    watched.finish();
  } else {
    run_on_threads(settings, count, tasks, stats);
  }
}

}  // namespace larder::detail
