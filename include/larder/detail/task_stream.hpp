#pragma once
// The scheduler of everything that is read, run and consumed bit by bit: batches are made in the thread that takes the results,
// as far ahead as the options allow, and run by a backend.

#include <cstddef>
#include <memory>
#include <optional>

#include <larder/detail/parallel_settings.hpp>
#include <larder/detail/task_batch.hpp>
#include <larder/parallel_stats.hpp>

namespace larder::detail {

/// Reads the elements of a range, and makes batches of them.
class batch_source {
 public:
  /// A batch of up to `most` (at least 1) elements, whose first task has the index `first`; null at the end of the range, and
  /// ever after. What the range throws passes through.
  virtual std::shared_ptr<task_batch> next(std::size_t first, std::size_t most,
                                           const std::shared_ptr<stop_state>& stop) = 0;
  /// The number of elements; 0 where the range does not say.
  virtual std::size_t total() const noexcept = 0;

 protected:
  ~batch_source() = default;
};

enum class stream_order {
  sequence,  ///< results come in the order of the range
  finished,  ///< results come as their tasks finish
};

/// Used by one thread at a time. Begins to read and to run at once.
class task_stream {
 public:
  /// The settings and the source live as long.
  task_stream(const parallel_settings& settings, batch_source& source, stream_order order);
  /// Tasks that have not begun never will; returns when none runs.
  ~task_stream();
  task_stream(const task_stream&) = delete;
  task_stream& operator=(const task_stream&) = delete;

  struct task {
    task_batch& batch;
    std::size_t i;  // in the batch

    std::size_t index() const noexcept { return batch.first() + i; }
  };

  /// A task that has its result, each once; of a whole batch the last task alone. It is valid until the next call. Empty when all were given. Throws
  /// what the first failing task has thrown, and what the range throws, when no task runs any more; it is empty from then on.
  std::optional<task> next();

  /// Runs all tasks, and throws what next() throws. Nothing is given: for batches that put their results where they belong.
  void run();

  parallel_stats stats() const;

 private:
  class state;

  std::unique_ptr<state> state_;
};

}  // namespace larder::detail
