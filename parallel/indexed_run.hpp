#pragma once
// Running all tasks of a call whose inputs are reached by index: what the backends do for map and map_reduce.

#include <cstddef>

#include <larder/detail/parallel_settings.hpp>
#include <larder/detail/task_batch.hpp>
#include <larder/parallel_stats.hpp>

namespace larder::detail {

/// Each returns when every task has run, or throws the first failure when none runs any more. Batches of settings.batch_size, or of a
/// size that is chosen from the time that tasks take. `stats` may be null, and is empty.
void run_in_caller(const parallel_settings& settings, std::size_t count, indexed_tasks& tasks,
                   parallel_stats* stats);
void run_on_threads(const parallel_settings& settings, std::size_t count, indexed_tasks& tasks,
                    parallel_stats* stats);
/// On min(worker_count(settings), count) children, which share the tasks out among themselves. Keeps the timeout.
void run_on_fork(const parallel_settings& settings, std::size_t count, travelling_tasks& tasks,
                 parallel_stats* stats);
/// On workers that are processes of their own.
void run_on_processes(const parallel_settings& settings, std::size_t count, travelling_tasks& tasks,
                      parallel_stats* stats);

}  // namespace larder::detail
