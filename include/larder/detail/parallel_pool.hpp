#pragma once
// What a pool and the calls of it that are under way share.

#include <cstddef>
#include <memory>
#include <mutex>

#include <larder/detail/parallel_settings.hpp>
#include <larder/detail/task_batch.hpp>
#include <larder/parallel_stats.hpp>

namespace larder::detail {

class batch_runner;  // parallel/batch_runner.hpp

/// Thread-safe.
class parallel_pool {
 public:
  explicit parallel_pool(const parallel_options& options);
  ~parallel_pool();
  parallel_pool(const parallel_pool&) = delete;
  parallel_pool& operator=(const parallel_pool&) = delete;

  const parallel_settings& settings() const noexcept { return settings_; }
  /// Runs what submit was given; made when it is first asked for.
  batch_runner& submitted();

 private:
  const parallel_settings settings_;
  std::mutex mutex_;
  std::unique_ptr<batch_runner> submitted_;  // guarded by mutex_ until it is there
};

/// Whether elements are read in the calling thread, also those that workers could reach by index.
bool reads_in_caller(const parallel_settings& settings) noexcept;
/// Whether tasks run in this process, so that they reach its memory.
bool runs_here(const parallel_settings& settings) noexcept;

/// Returns when every task of [0, count) has run, or throws the first failure when none runs any more. `stats` may be null.
void run_indexed(const parallel_settings& settings, std::size_t count, travelling_tasks& tasks,
                 parallel_stats* stats);
/// The same for tasks that run in this process: where runs_here(settings).
void run_indexed_here(const parallel_settings& settings, std::size_t count, indexed_tasks& tasks,
                      parallel_stats* stats);

}  // namespace larder::detail
