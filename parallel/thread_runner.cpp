// The backend `threads` for batches: a queue, and threads of the team that come when there is something in it.
//
// The mutex guards the queue, what each worker is at, and who is in. Results are not under it: a worker publishes each in its batch
// (see task_batch) and then looks whether somebody waits. Whoever waits says so before it looks at the batch. Both do these two steps
// in the one order of sequentially consistent operations, so either the waiter sees the result, or the worker sees the waiter, and
// then takes the mutex, within which the waiter goes to sleep, and wakes it.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <larder/error.hpp>

#include "parallel/batch_runner.hpp"
#include "parallel/caller_run.hpp"
#include "parallel/foreign_threads.hpp"
#include "parallel/task_clock.hpp"
#include "parallel/worker_count.hpp"
#include "parallel/worker_setup.hpp"
#include "src/fork_safety.hpp"
#include "src/spin.hpp"
#include "src/team.hpp"

namespace larder::detail {
namespace {

using clock = std::chrono::steady_clock;

// A worker that is at a batch for longer than this shares it with one that has nothing to do.
constexpr std::chrono::microseconds k_long{500};

// To be woken up takes as long.
constexpr std::chrono::microseconds k_spin{20};

class thread_runner final : public batch_runner {
 public:
  thread_runner(const parallel_settings& settings, on_failure then)
      : settings_(settings),
        then_(then),
        workers_(std::min(worker_count(settings), k_most_helpers)),
        at_(workers_ + 1),
        busy_(workers_ + 1),
        begun_(clock::now()),
        body_(*this),
        call_(workers_, body_) {}

  ~thread_runner() override { stop(); }

  void start(std::shared_ptr<task_batch> batch) override {
    // In a child that has inherited this there are no threads of it: it works alone.
    if (!is_ours()) return run_in_caller(settings_, *batch);
    {
      const std::lock_guard lock(mutex_);
      if (is_stopped_) {
        batch->fail(end_fault_ ? end_fault_ : std::make_exception_ptr(task_cancelled()));
        return;
      }
      const std::size_t count = batch->count();
      queue_.push_back({std::move(batch), 0, count});
      if (workers_in_ == workers_) return;
      ++workers_in_;
    }
    invite();
  }

  bool wait(function_ref<bool()> ready, time_point deadline) override {
    if (!is_ours()) return ready();
    if (spin_until([&] { return ready(); }, k_spin)) return true;
    ++waiting_;
    const bool is_ready = wait_among_waiters(ready, deadline);
    --waiting_;
    return is_ready;
  }

  bool cancel(task_batch& batch) override {
    if (!is_ours()) return false;
    {
      const std::lock_guard lock(mutex_);
      const auto found =
          std::ranges::find_if(queue_, [&](const piece& each) { return each.batch.get() == &batch; });
      if (found == queue_.end()) {
        batch.stop().request();  // settled or not
        return false;
      }
      queue_.erase(found);
      batch.fail(std::make_exception_ptr(task_cancelled()));
    }
    changed_.notify_all();
    return true;
  }

  void stop() noexcept override {
    if (!is_ours()) return;
    std::unique_lock lock(mutex_);
    drop();
    changed_.wait(lock, [this] {
      return std::ranges::all_of(at_, [](const work& each) { return each.batch == nullptr; });
    });
  }

  parallel_stats stats() const override {
    const std::lock_guard lock(mutex_);
    parallel_stats stats = stats_;
    stats.seconds = std::chrono::duration<double>(clock::now() - begun_).count();
    for (unsigned i = 0; i != workers_; ++i) stats.worker_seconds.push_back(busy_[i].count());
    return stats;
  }

 private:
  bool is_ours() const noexcept { return made_in_.is_this(); }

  // Tasks [begin, end) of a batch: all of them, or what a worker has left to another one.
  struct piece {
    std::shared_ptr<task_batch> batch;
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  // What a worker is at. Who looks at it from outside sees the batch, and task and deadline where there is a timeout.
  struct work : piece {  // batch null: nothing
    std::size_t i = 0;
    time_point deadline = time_point::max();
  };
  // A batch whose tasks were shared: the pieces that are done, and the time that they took.
  struct shared_batch {
    std::vector<std::pair<std::size_t, std::size_t>> done;
    std::chrono::nanoseconds busy{0};
  };

  // The body of the call on the team.
  struct body {
    explicit body(thread_runner& of) : runner(of) {}
    void operator()(unsigned worker) noexcept { runner.work_as(worker); }
    thread_runner& runner;
  };

  // --- in workers

  void work_as(unsigned worker) noexcept {
    std::unique_lock lock(mutex_);
    while (!queue_.empty()) run_next(worker, lock);
    --workers_in_;
    has_idle_.store(true, std::memory_order_relaxed);
  }

  /// After workers_in_ was counted up.
  void invite() {
    if (call_.invite()) return;
    const std::lock_guard lock(mutex_);
    --workers_in_;
    has_no_threads_ = true;
  }

  /// Takes the first piece of the queue, and runs it without the mutex.
  void run_next(unsigned worker, std::unique_lock<std::mutex>& lock) noexcept {
    work& mine = at_[worker];
    static_cast<piece&>(mine) = std::move(queue_.front());
    mine.deadline = time_point::max();  // that of the last task is not this one's
    queue_.pop_front();
    if (workers_in_ == workers_) has_idle_.store(false, std::memory_order_relaxed);
    lock.unlock();
    task_batch& batch = *mine.batch;
    const auto begun = clock::now();
    std::exception_ptr fault;
    bool has_run = false;
    try {
      const at_tasks busy;
      const worker_scope setup(settings_, worker_kind::thread);
      has_run = run_tasks(mine, batch, begun);
    } catch (...) {
      fault = std::current_exception();
    }
    const auto took = clock::now() - begun;
    lock.lock();
    busy_[worker] += took;
    if (!batch.failed()) {  // else its time was up, and whoever waited said so; or another piece has failed
      if (fault) {
        fail(batch, std::move(fault));
      } else if (has_run) {
        finish(mine, took);
      } else {  // it was stopped, and what has stopped it is its fault
        batch.fail(end_fault_ ? end_fault_ : std::make_exception_ptr(task_cancelled()));
      }
    }
    if (mine.begin == 0) ++stats_.batches;  // one, however many pieces it was shared in
    if (has_run) stats_.tasks += mine.end - mine.begin;
    auto done = std::exchange(mine.batch, nullptr);
    changed_.notify_all();
    lock.unlock();
    done.reset();  // without the mutex: in it are objects of the user's
    lock.lock();
  }

  /// Whether all have run that were not left to others.
  bool run_tasks(work& mine, task_batch& batch, time_point begun) {
    task_scope scope(batch.stop());
    for (std::size_t i = mine.begin; i != mine.end; ++i) {
      if (batch.stop().requested()) return false;
      if (settings_.timeout) announce(mine, i);
      run_within(settings_.timeout, scope, batch.first() + i, [&] { batch.run(i); });
      if (batch.is_whole() || i + 1 == mine.end)
        continue;  // the last is published with the time that they took
      if (settings_.timeout && is_overdue(mine)) return false;
      if (mine.begin == 0) {  // else what comes before may not be done
        batch.publish(i + 1);
        wake_waiting();
      }
      if (mine.end - i > 2 && has_idle_.load(std::memory_order_relaxed) && clock::now() - begun > k_long)
        share(mine, i + 1);
    }
    return true;
  }

  /// Leaves the second half of what is left from `next` on to a worker that has nothing to do, if there is one.
  void share(work& mine, std::size_t next) {
    {
      const std::lock_guard lock(mutex_);
      if (is_stopped_ || !queue_.empty() || workers_in_ == workers_) return;
      const std::size_t middle = next + (mine.end - next + 1) / 2;
      shared_.try_emplace(mine.batch.get());
      queue_.push_back({mine.batch, middle, mine.end});
      mine.end = middle;
      ++workers_in_;
    }
    invite();
  }

  void wake_waiting() {
    if (waiting_.load() == 0) return;
    { const std::lock_guard lock(mutex_); }
    changed_.notify_all();
  }

  void announce(work& mine, std::size_t i) {
    const std::lock_guard lock(mutex_);
    mine.i = i;
    mine.deadline = clock::now() + *settings_.timeout;
  }
  bool is_overdue(const work& mine) const {
    const std::lock_guard lock(mutex_);
    return mine.batch->failed();
  }

  // --- under the mutex

  /// All tasks of a piece have run. The results of a batch are published from its beginning on, without a gap: the worker that has the first piece
  /// does so task by task; behind it pieces count when all before them are done.
  void finish(const piece& done, std::chrono::nanoseconds took) {
    task_batch& batch = *done.batch;
    const auto found = shared_.find(&batch);
    if (found == shared_.end()) {
      batch.set_busy(took);
      batch.publish(batch.count());
      return;
    }
    auto& pieces = found->second.done;
    pieces.emplace_back(done.begin, done.end);
    std::ranges::sort(pieces);
    found->second.busy += took;
    std::size_t finished = 0;
    for (const auto& [begin, end] : pieces) {
      if (begin == finished) finished = end;
    }
    if (finished == 0) return;
    if (finished == batch.count()) {
      batch.set_busy(found->second.busy);
      shared_.erase(found);
    }
    batch.publish(finished);
  }

  void fail(task_batch& batch, std::exception_ptr fault) {
    // Tasks that are told to stop fail in their turn: the first fault is that of all.
    if (then_ == on_failure::stop && end_fault_) fault = end_fault_;
    batch.fail(fault);
    if (then_ == on_failure::stop) {
      if (!end_fault_) end_fault_ = std::move(fault);
      drop();
    } else {
      batch.stop().request();
    }
  }

  /// No batch begins any more.
  void drop() noexcept {
    if (!is_stopped_) dropped_.swap(queue_);  // nobody asks for them: their call is over
    is_stopped_ = true;
    for (const work& each : at_) {
      if (each.batch) each.batch->stop().request();
    }
  }

  /// Fails the batches whose task is over its time; says when to look again. A task that begins later cannot be over before.
  time_point end_overdue() {
    if (!settings_.timeout) return time_point::max();
    const auto now = clock::now();
    time_point next = now + *settings_.timeout;
    for (const work& each : at_) {
      if (!each.batch || each.batch->failed()) continue;
      if (now < each.deadline) {
        next = std::min(next, each.deadline);
      } else {
        fail(*each.batch,
             std::make_exception_ptr(timed_out(each.batch->first() + each.i, *settings_.timeout)));
      }
    }
    return next;
  }

  bool wait_among_waiters(function_ref<bool()> ready, time_point deadline) {
    std::unique_lock lock(mutex_);
    for (;;) {
      const time_point overdue = end_overdue();
      if (ready()) return true;
      if (has_no_threads_ && workers_in_ == 0 && !queue_.empty() && !at_[workers_].batch) {
        run_next(workers_, lock);  // nobody else will
        continue;
      }
      if (clock::now() >= deadline) return false;
      const time_point until = std::min(deadline, overdue);
      if (until == time_point::max()) {
        changed_.wait(lock);
      } else {
        changed_.wait_until(lock, until);
      }
    }
  }

  const parallel_settings& settings_;
  const on_failure then_;
  const unsigned workers_;
  const origin_process made_in_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;  // a batch has changed, or a worker has left one
  std::atomic<unsigned> waiting_ = 0;
  std::deque<piece> queue_;
  std::deque<piece> dropped_;  // kept: objects of the user's do not die under the mutex
  std::map<const task_batch*, shared_batch> shared_;
  unsigned workers_in_ = 0;  // that are in the body or on their way
  std::atomic<bool> has_idle_ =
      true;  // there may be workers that are not: a hint, for those that are at work
  bool is_stopped_ = false;
  std::exception_ptr end_fault_;  // the first of a call
  bool has_no_threads_ = false;
  std::vector<work> at_;  // by worker; the last is whoever waits, where there are no threads
  std::vector<std::chrono::duration<double>> busy_;
  parallel_stats stats_;
  const time_point begun_;
  body body_;
  background_call call_;  // the last: its end waits for those who use the others
};

}  // namespace

std::unique_ptr<batch_runner> make_thread_runner(const parallel_settings& settings, on_failure then) {
  return std::make_unique<thread_runner>(settings, then);
}

std::unique_ptr<batch_runner> make_runner(const parallel_settings& settings, on_failure then) {
  switch (settings.backend) {
    case backend::fork:
      return make_fork_runner(settings, then);
    case backend::processes:
      return make_process_runner(settings, then);
    default:
      return make_thread_runner(settings, then);
  }
}

}  // namespace larder::detail
