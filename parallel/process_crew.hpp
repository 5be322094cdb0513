#pragma once
// The workers of one runner of the backend processes, and the batches that they have.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <vector>

#include <larder/detail/parallel_settings.hpp>
#include <larder/detail/task_batch.hpp>
#include <larder/parallel_stats.hpp>

#include "parallel/batch_runner.hpp"
#include "parallel/child_watch.hpp"
#include "parallel/wake_event.hpp"
#include "parallel/worker_process.hpp"

namespace larder::detail {

/// Used by one thread at a time.
///
/// Each worker has the batch that it is at and, where all batches belong to one call, the next one, so that it does not wait for
/// its parent in between. A worker that dies leaves what it has not finished to others.
class process_crew {
 public:
  using clock = std::chrono::steady_clock;

  /// value_error, not_shippable for an initializer. The settings live as long. No worker is started before it is needed.
  process_crew(const parallel_settings& settings, on_failure then);
  /// Workers that are at something are killed; the others are kept for calls to come.
  ~process_crew();
  process_crew(const process_crew&) = delete;
  process_crew& operator=(const process_crew&) = delete;

  /// Whether it has batches that are not settled.
  bool is_busy() const noexcept;
  bool has_room() const noexcept;
  /// Where there is room. What goes wrong becomes the batch's fault.
  void give(std::shared_ptr<task_batch> batch);

  /// Returns when a worker says something or has ended, when the event, if there is one, is posted, when something is due, or at the deadline.
  void wait(const wake_event* event, clock::time_point deadline);
  /// Takes what workers have said, sees to those that ended, and kills those that are over their time. Batches are published and fail here.
  void look();

  /// These batches are not wanted any more, and have this fault at once, if they are not settled. Workers that are at them are told to stop,
  /// and are killed if they do not soon. Of a batch that is not here only the address is looked at: it may be gone.
  void drop(const task_batch& batch, const std::exception_ptr& fault);
  void drop_all(const std::exception_ptr& fault);

  /// Where failures end the call: the first one.
  const std::exception_ptr& fault() const noexcept { return fault_; }

  /// What was done so far; without the seconds of the call.
  const parallel_stats& stats() const noexcept { return stats_; }

 private:
  /// A batch on its way to a worker, perhaps not for the first time.
  struct job {
    std::shared_ptr<task_batch> batch;
    std::size_t deadly_task = 0;  // the one at which its last worker died,
    unsigned deaths = 0;          // and how many did in a row
  };

  struct given_job {
    job what;
    std::uint64_t serial;
  };

  struct seat {
    std::unique_ptr<worker_process> worker;  // null: none was needed yet, or it has died
    std::uint64_t call = 0;                  // the number that the worker knows the call by
    bool has_call = false;
    std::deque<given_job> given;               // the first is the one that it is at
    std::int64_t busy_before = 0;              // nanoseconds at tasks before that
    std::uint32_t news = 0;                    // what was looked at of it
    std::optional<clock::time_point> kill_at;  // nothing that it has is wanted
    std::exception_ptr killed_for;
  };

  clock::time_point next_due() const noexcept;
  std::optional<std::size_t> find_room() const noexcept;
  void give(job what);
  void send(seat& to, const job& what);
  const encoded_call& call_of(const task_batch& batch);
  void receive(seat& from);
  void take_results(seat& from, std::size_t begin, std::size_t end, message_reader& results);
  void end_batch(seat& from);
  void receive_staged(seat& dead);
  void bury(seat& dead, unsigned number);
  void dismiss(seat& from) noexcept;
  void watch_time(seat& of);
  void fail(task_batch& batch, const std::exception_ptr& fault);
  void stop_worker(seat& of) noexcept;
  void kill(seat& of, const std::exception_ptr& fault) noexcept;

  const parallel_settings& settings_;
  const on_failure then_;
  const process_kind kind_;
  const bool is_one_call_;   // all batches are of one, and not each of a call of its own
  const std::size_t depth_;  // batches of a worker
  std::vector<seat> seats_;
  child_watch watch_;
  unsigned waits_ = 0;
  std::optional<encoded_call> call_;  // of all batches, or of the last one
  std::deque<job> again_;             // whose workers died, or could not be had
  unsigned idle_deaths_ = 0;          // workers that ended at no task, since the last result
  bytes_received received_;
  std::exception_ptr fault_;
  parallel_stats stats_;
};

}  // namespace larder::detail
