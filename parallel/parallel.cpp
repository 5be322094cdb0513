#include <larder/parallel.hpp>

#include <cstddef>

#include "parallel/indexed_run.hpp"
#include "parallel/worker_count.hpp"

namespace larder::detail {

bool runs_here(const parallel_settings& settings) noexcept {
  return settings.backend != backend::fork || worker_count(settings) == 1;
}

bool reads_in_caller(const parallel_settings& settings) noexcept {
  // On threads nobody but the caller has the time to look at the clock.
  const auto& shown = settings.progress;
  const bool is_watched = settings.timeout || shown.is_shown() || shown.is_told() || settings.verbose != 0;
  return settings.pre_dispatch != 0 || (is_watched && runs_here(settings));
}

void run_indexed(const parallel_settings& settings, std::size_t count, indexed_tasks& tasks,
                 parallel_stats* stats) {
  if (stats != nullptr) *stats = {};
  if (count == 0) return;
  if (worker_count(settings) == 1 || (count == 1 && runs_here(settings))) {
    run_in_caller(settings, count, tasks, stats);
  } else if (settings.backend == backend::fork) {
    run_on_fork(settings, count, tasks, stats);
  } else {
    run_on_threads(settings, count, tasks, stats);
  }
}

}  // namespace larder::detail
