// The backend `fork` for batches: each in a child of its own.
//
// There is no thread that looks after the children. Whoever waits, or hands in a batch, does it, one thread at a time: the driver,
// as is_driven_ says. The mutex guards the queue and who runs, but not what the driver does with children: to poll them, to receive
// their results and to fork. These it does without the mutex, as they take long, call the user's code, and because a child would
// inherit the mutex locked. Children are killed by anyone who has the mutex, and reaped by the driver while it has it, so that nobody
// kills one that is reaped. Who changes something that concerns the driver posts the event that it polls; the driver tells the
// others when it comes to the end of a turn.

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <utility>
#include <vector>

#include <sys/types.h>

#include <larder/error.hpp>

#include "parallel/batch_runner.hpp"
#include "parallel/caller_run.hpp"
#include "parallel/child_watch.hpp"
#include "parallel/fork_batch.hpp"
#include "parallel/lifeline.hpp"
#include "parallel/result_channel.hpp"
#include "parallel/task_clock.hpp"
#include "parallel/wake_event.hpp"
#include "parallel/worker_board.hpp"
#include "parallel/worker_count.hpp"
#include "src/fork_safety.hpp"

namespace larder::detail {
namespace {

using clock = std::chrono::steady_clock;

class fork_runner final : public batch_runner {
 public:
  fork_runner(const parallel_settings& settings, on_failure then)
      : settings_(settings),
        then_(then),
        workers_(std::min(worker_count(settings), k_most_children)),
        board_(workers_),
        at_(workers_),
        begun_(clock::now()) {
    stats_.worker_seconds.resize(workers_);
  }

  ~fork_runner() override { stop(); }

  void start(std::shared_ptr<task_batch> batch) override {
    // In a child that has inherited this, the children are not its own: it works alone.
    if (!is_ours()) return run_in_caller(settings_, *batch);
    std::unique_lock lock(mutex_);
    if (end_fault_) {
      batch->fail(end_fault_);
      return;
    }
    queue_.push_back(std::move(batch));
    if (is_driven_) {
      event_.post();
    } else {
      take_turn(lock, clock::now());
    }
  }

  bool wait(function_ref<bool()> ready, time_point deadline) override {
    if (!is_ours()) return ready();
    std::unique_lock lock(mutex_);
    // A turn at least: who asks again and again, with no time to wait, gets there too.
    for (bool is_first = true;; is_first = false) {
      if (ready()) return true;
      if (!is_first && clock::now() >= deadline) return false;
      step(lock, deadline);
    }
  }

  bool cancel(task_batch& batch) override {
    if (!is_ours()) return false;
    std::unique_lock lock(mutex_);
    const auto fault = std::make_exception_ptr(task_cancelled());
    const auto queued = std::ranges::find(queue_, &batch, &std::shared_ptr<task_batch>::get);
    if (queued != queue_.end()) {
      batch.fail(fault);
      dropped_.push_back(std::move(*queued));
      queue_.erase(queued);
      changed_.notify_all();
      let_go(lock);
      return true;
    }
    batch.stop().request();
    while (beginning_ == &batch) changed_.wait(lock);
    for (const auto& each : at_) {
      if (!each || &each->batch.tasks() != &batch) continue;
      kill(*each, fault);
      while (!batch.settled()) step(lock, time_point::max());
      return batch.failed() && batch.fault() == fault;
    }
    return false;
  }

  void stop() noexcept override {
    if (!is_ours()) return;
    std::unique_lock lock(mutex_);
    drop(std::make_exception_ptr(task_cancelled()));
    const auto is_null = [](const auto& each) { return each == nullptr; };
    while (is_driven_ || !std::ranges::all_of(at_, is_null)) step(lock, time_point::max());
    let_go(lock);
  }

  parallel_stats stats() const override {
    const std::lock_guard lock(mutex_);
    parallel_stats stats = stats_;
    stats.bytes_mapped = received_.mapped;
    stats.bytes_copied = received_.copied;
    stats.seconds = std::chrono::duration<double>(clock::now() - begun_).count();
    return stats;
  }

 private:
  struct run {
    fork_batch batch;
    std::size_t retried_task;         // the one that was run again last,
    unsigned retries;                 // and how often
    bool has_ended = false;           // of the driver: its child has
    bool is_counted = false;          // under the mutex: in the statistics
    std::exception_ptr killed_for{};  // under the mutex
  };

  bool is_ours() const noexcept { return made_in_.is_this(); }

  // --- under the mutex

  /// Lets the world go on: as the driver, or until the driver has had its turn. At the deadline at the latest.
  void step(std::unique_lock<std::mutex>& lock, time_point deadline) {
    if (!is_driven_) {
      take_turn(lock, deadline);
    } else if (deadline == time_point::max()) {
      changed_.wait(lock);
    } else {
      changed_.wait_until(lock, deadline);
    }
  }

  /// A turn of the driver: begins what can begin; where there is nothing, waits for something to happen, and sees to it.
  void take_turn(std::unique_lock<std::mutex>& lock, time_point deadline) {
    is_driven_ = true;
    if (!begin_queued(lock)) {
      lock.unlock();
      poll_children(deadline);
      bytes_received received;
      std::size_t tasks = 0;
      for (unsigned i = 0; i != workers_; ++i) {
        if (at_[i]) at_[i]->batch.receive(received, tasks);
      }
      lock.lock();
      received_.mapped += received.mapped;
      received_.copied += received.copied;
      stats_.tasks += tasks;
      for (unsigned i = 0; i != workers_; ++i) {
        if (at_[i]) look_at(lock, i);
      }
      begin_queued(lock);
    }
    is_driven_ = false;
    changed_.notify_all();
    let_go(lock);
  }

  /// Objects of the user's do not die under the mutex.
  void let_go(std::unique_lock<std::mutex>& lock) {
    auto dropped = std::exchange(dropped_, {});
    auto ended = std::exchange(ended_, {});
    lock.unlock();
    dropped.clear();
    ended.clear();
    lock.lock();
  }

  /// Whether a batch has begun, or has failed to.
  bool begin_queued(std::unique_lock<std::mutex>& lock) {
    bool any = false;
    for (unsigned i = 0; i != workers_ && !queue_.empty(); ++i) {
      if (at_[i]) continue;
      auto batch = std::move(queue_.front());
      queue_.pop_front();
      if (!begin(lock, i, std::move(batch), 0, 0)) break;
      any = true;
    }
    return any;
  }

  /// False where the batch has to wait for others to end. The mutex is free meanwhile: see above.
  bool begin(std::unique_lock<std::mutex>& lock, unsigned number, std::shared_ptr<task_batch> batch,
             std::size_t retried_task, unsigned retries) {
    bool is_refused = false;
    beginning_ = batch.get();
    lock.unlock();
    std::unique_ptr<run> made;
    std::exception_ptr fault;
    try {
      made.reset(new run{fork_batch(around_, batch, board_[number]), retried_task, retries});
    } catch (const io_error&) {
      is_refused = true;
      fault = std::current_exception();
    } catch (...) {
      fault = std::current_exception();
    }
    lock.lock();
    beginning_ = nullptr;
    const auto runs = [](const auto& each) { return each != nullptr; };
    if (is_refused && !end_fault_ && std::ranges::any_of(at_, runs)) {
      // The system has no room for another child now. When one of those that run has ended it may.
      queue_.push_front(std::move(batch));
      return false;
    }
    if (fault) {
      fail(*batch, fault);
      dropped_.push_back(std::move(batch));
      return true;
    }
    at_[number] = std::move(made);
    if (end_fault_) kill(*at_[number], end_fault_);
    return true;
  }

  void look_at(std::unique_lock<std::mutex>& lock, unsigned number) {
    run& it = *at_[number];
    if (const auto& failure = it.batch.failure()) fail(it.batch.tasks(), failure);
    if (it.batch.tasks().settled() && !std::exchange(it.is_counted, true)) ++stats_.batches;
    if (it.has_ended) {
      end(lock, number);
    } else if (const auto late =
                   settings_.timeout ? board_[number].overdue(*settings_.timeout) : std::nullopt) {
      kill(it, std::make_exception_ptr(timed_out(*late, *settings_.timeout)));
    }
  }

  /// The child has ended, and all that it sent is received.
  void end(std::unique_lock<std::mutex>& lock, unsigned number) {
    ended_.push_back(std::move(at_[number]));
    run& it = *ended_.back();
    const worker_slot& slot = board_[number];
    const pid_t pid = it.batch.child().pid();
    const int status = it.batch.child().end().value_or(-1);
    const auto task = static_cast<std::size_t>(slot.task);
    stats_.worker_seconds[number] += board_[number].busy_seconds();
    if (it.batch.tasks().settled()) return;
    if (it.killed_for) {
      fail(it.batch.tasks(), it.killed_for);
    } else if (const unsigned before = it.retried_task == task ? it.retries : 0;
               before < settings_.max_retries) {
      ++stats_.retries;
      begin(lock, number, it.batch.share(), task, before + 1);
    } else {
      fail(it.batch.tasks(), std::make_exception_ptr(worker_died(number, pid, status, task)));
    }
  }

  void fail(task_batch& batch, const std::exception_ptr& fault) {
    if (batch.settled()) return;
    batch.fail(fault);
    if (then_ == on_failure::stop) drop(fault);
  }

  /// No batch begins any more. Those that are not settled fail with what ended the call, so that whoever waits for one of them is
  /// told what happened.
  void drop(const std::exception_ptr& fault) {
    if (!end_fault_) end_fault_ = fault;
    for (auto& each : queue_) {
      each->fail(end_fault_);
      dropped_.push_back(std::move(each));
    }
    queue_.clear();
    for (auto& each : at_) {
      if (each) kill(*each, end_fault_);
    }
  }

  static void kill(run& it, const std::exception_ptr& fault) {
    it.batch.tasks().stop().request();
    if (!it.killed_for) it.killed_for = fault;
    it.batch.child().kill();
  }

  // --- the driver, without the mutex

  /// Returns when a child has published something or has ended, when the event is posted, when a task may be over its time, or at the
  /// deadline.
  void poll_children(time_point deadline) {
    watch_.reset(event_.fd());
    for (unsigned i = 0; i != workers_; ++i) {
      if (at_[i]) watch_.add(i, at_[i]->batch.child().ended_fd());
    }
    board_.request().unread.store(1);  // before the look at what is published: see result_sender
    if (std::ranges::any_of(at_, [](const auto& each) { return each && each->batch.has_more(); })) {
      deadline = clock::now();
    } else if (settings_.timeout) {
      const auto is_running = [this](unsigned i) { return at_[i] != nullptr; };
      deadline = std::min(deadline, board_.next_deadline(*settings_.timeout, is_running));
    }
    watch_.wait(deadline);
    board_.request().unread.store(wake_request::k_never);
    if (watch_.is_posted()) event_.clear();
    for (unsigned i = 0; i != workers_; ++i) {
      if (at_[i]) at_[i]->has_ended = watch_.has_ended(i);
    }
  }

  const parallel_settings& settings_;
  const on_failure then_;
  const unsigned workers_;
  const origin_process made_in_;
  const lifeline lifeline_;
  const wake_event event_;
  const worker_board board_;
  const fork_surroundings around_{settings_, lifeline_, board_.request(), event_};
  mutable std::mutex mutex_;
  std::condition_variable changed_;  // the driver has had a turn
  bool is_driven_ = false;
  std::deque<std::shared_ptr<task_batch>> queue_;
  const task_batch* beginning_ = nullptr;  // neither in the queue nor in at_
  std::vector<std::unique_ptr<run>>
      at_;                        // by worker; the pointers are the driver's, and change under the mutex
  std::exception_ptr end_fault_;  // no batch begins any more
  std::vector<std::shared_ptr<task_batch>> dropped_;  // until nobody has the mutex
  std::vector<std::unique_ptr<run>> ended_;           // the same
  child_watch watch_{workers_};                       // of the driver
  bytes_received received_;
  parallel_stats stats_;
  const time_point begun_;
};

}  // namespace

std::unique_ptr<batch_runner> make_fork_runner(const parallel_settings& settings, on_failure then) {
  return std::make_unique<fork_runner>(settings, then);
}

}  // namespace larder::detail
