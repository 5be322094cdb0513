// The backend `fork` for tasks that are reached by index: children that are made once per call share the tasks out among themselves.
//
// The children and this process have in common: the ranges of tasks, a slot for each worker, and for each child a log of results.
// Everything else a child changes is its own. When the first task fails no more are handed out, and the other children are
// killed: what they are at is of no use.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <larder/error.hpp>

#include "parallel/child_watch.hpp"
#include "parallel/flush_output.hpp"
#include "parallel/foreign_threads.hpp"
#include "parallel/fork_child.hpp"
#include "parallel/indexed_run.hpp"
#include "parallel/lifeline.hpp"
#include "parallel/progress_reporter.hpp"
#include "parallel/result_channel.hpp"
#include "parallel/task_clock.hpp"
#include "parallel/task_ranges.hpp"
#include "parallel/wake_event.hpp"
#include "parallel/worker_board.hpp"
#include "parallel/worker_count.hpp"
#include "parallel/worker_setup.hpp"
#include "src/team.hpp"

namespace larder::detail {
namespace {

using clock = std::chrono::steady_clock;

/// Results are read while tasks run where there are so many of them; else when their child has ended.
constexpr std::uint64_t k_wake_at = std::uint64_t{1} << 20;
constexpr std::chrono::milliseconds k_progress_interval{50};

class fork_call {
 public:
  fork_call(const parallel_settings& settings, std::size_t count, travelling_tasks& tasks)
      : settings_(settings),
        count_(count),
        tasks_(tasks),
        most_workers_(
            static_cast<unsigned>(std::min<std::size_t>({worker_count(settings), count, k_most_children}))),
        board_(most_workers_, task_ranges::bytes_needed(most_workers_)),
        progress_(settings, count) {
    board_.request().unread.store(k_wake_at);
    if (settings.max_retries != 0) has_result_.resize(count);
  }

  void run() {
    run_round(count_);
    // Tasks that were lost with a worker: its own batch, and whatever it had in its hands.
    while (done_ != count_) {
      again_.clear();
      for (std::size_t i = 0; i != has_result_.size(); ++i) {
        if (!has_result_[i]) again_.push_back(i);
      }
      if (again_.empty()) throw error("parallel: results of tasks are missing, although no worker died");
      run_round(again_.size());
    }
    progress_.finish(done_);
  }

  void tell(parallel_stats& stats) const {
    stats = stats_;
    stats.tasks = done_;
    stats.bytes_mapped = received_.mapped;
    stats.bytes_copied = received_.copied;
    stats.seconds = std::chrono::duration<double>(clock::now() - begun_).count();
  }

 private:
  struct worker {
    watched_child child;
    result_receiver receiver;
  };

  // --- in the parent

  /// Runs so many tasks: all, or those in again_.
  void run_round(std::size_t count) {
    const auto workers = static_cast<unsigned>(std::min<std::size_t>(most_workers_, count));
    ranges_ = &task_ranges::make(board_.more(), count, workers, settings_.batch_size);
    workers_.clear();
    workers_.resize(workers);
    stats_.worker_seconds.resize(most_workers_);
    try {
      for (unsigned i = 0; i != workers; ++i) begin(i);
      while (running_ != 0) {
        wait();
        look();
      }
    } catch (...) {
      ranges_->stop();
      workers_.clear();  // kills them
      throw;
    }
  }

  void begin(unsigned number) {
    worker_slot& slot = board_.renew(number);
    try {
      auto way = std::make_unique<result_way>();
      watched_child child = fork_child(lifeline_, [&]() noexcept { work_as(number, *way); });
      way->close_sending_end();
      workers_[number].emplace(worker{std::move(child), {std::move(way), slot, settings_.max_nbytes}});
      ++running_;
    } catch (const io_error&) {
      if (running_ == 0) throw;  // others take its tasks
    }
  }

  void wait() {
    auto until = clock::time_point::max();
    if (progress_.is_on()) until = clock::now() + k_progress_interval;
    if (settings_.timeout) {
      const auto is_running = [this](unsigned i) { return i < workers_.size() && workers_[i].has_value(); };
      until = std::min(until, board_.next_deadline(*settings_.timeout, is_running));
    }
    watch_.reset(event_.fd());
    for (unsigned i = 0; i != workers_.size(); ++i) {
      if (workers_[i]) watch_.add(i, workers_[i]->child.ended_fd());
    }
    watch_.wait(until);
    if (watch_.is_posted()) event_.clear();
  }

  void look() {
    for (unsigned i = 0; i != workers_.size(); ++i) {
      if (!workers_[i]) continue;
      const bool has_ended = watch_.has_ended(i);
      receive(*workers_[i]);
      if (has_ended) {
        end(i);
      } else if (const auto late = settings_.timeout ? board_[i].overdue(*settings_.timeout) : std::nullopt) {
        throw timed_out(*late, *settings_.timeout);
      }
    }
    progress_.report(done_);
  }

  void receive(worker& from) {
    const auto failure =
        from.receiver.receive(received_, [&](std::size_t begin, std::size_t end, message_reader& results) {
          if (begin > end || end > count_)
            throw error("parallel: a child has sent results of tasks that there are not");
          tasks_.read(begin, end, results);
          done_ += end - begin;
          if (has_result_.empty()) return;
          for (std::size_t i = begin; i != end; ++i) has_result_[i] = true;
        });
    if (failure) std::rethrow_exception(failure);
  }

  /// The child has ended, and all that it sent is received.
  void end(unsigned number) {
    const worker_slot& slot = board_[number];
    const pid_t pid = workers_[number]->child.pid();
    const int status = workers_[number]->child.end().value_or(-1);
    workers_[number].reset();
    --running_;
    stats_.worker_seconds[number] += board_[number].busy_seconds();
    stats_.batches += slot.batches;
    if (slot.finished) return;
    const auto task = static_cast<std::size_t>(slot.task);
    unsigned& retries = retries_[task];
    if (retries == settings_.max_retries) throw worker_died(number, pid, status, task);
    ++retries;
    ++stats_.retries;
    begin(number);
  }

  // --- in the children

  std::size_t task_at(std::size_t position) const { return again_.empty() ? position : again_[position]; }

  void work_as(unsigned number, const result_way& way) noexcept {
    worker_slot& slot = board_[number];
    result_sender to(way, slot, board_.request(), event_, settings_.max_nbytes);
    try {
      task_taker taker(*ranges_, number);
      task_range batch = taker.next();
      if (!batch.empty()) {
        slot.task = task_at(batch.begin);
        become_worker(settings_.inner_threads);
        const worker_scope setup(settings_, worker_kind::own_process);
        const stop_state never;  // it is killed instead
        task_scope scope(never);
        const auto begun = clock::now();
        for (; !batch.empty(); batch = taker.next()) {
          run_batch(number, batch, slot, scope, to);
          slot.busy = std::chrono::nanoseconds(clock::now() - begun).count();
          slot.batches = static_cast<std::uint32_t>(taker.batches());
        }
      }
      slot.finished = true;
    } catch (...) {
      ranges_->stop();
      tell_failure(slot, to);
    }
  }

  void run_batch(unsigned number, task_range batch, worker_slot& slot, task_scope& scope, result_sender& to) {
    for (std::size_t i = batch.begin; i != batch.end; ++i) {
      const std::size_t task = task_at(i);
      slot.begin_task(task, settings_.timeout.has_value());
      run_within(settings_.timeout, scope, task, [&] { tasks_.run(number, task, task + 1); });
    }
    slot.end_task();
    if (again_.empty()) {
      send(number, batch.begin, batch.end, to);
    } else {
      for (std::size_t i = batch.begin; i != batch.end; ++i) send(number, task_at(i), task_at(i) + 1, to);
    }
  }

  void send(unsigned number, std::size_t begin, std::size_t end, result_sender& to) {
    tasks_.write(number, begin, end, to.results(begin, end));
    to.send();
  }

  static void tell_failure(worker_slot& slot, result_sender& to) noexcept {
    flush_output();  // who has the failure does not wait for the child, but kills it
    try {
      to.send_failure(static_cast<std::size_t>(slot.task), std::current_exception());
      slot.finished = true;
    } catch (...) {  // no memory: the worker has died, then
    }
  }

  const parallel_settings& settings_;
  const std::size_t count_;
  travelling_tasks& tasks_;
  const unsigned most_workers_;
  const lifeline lifeline_;
  const wake_event event_;
  const worker_board board_;
  task_ranges* ranges_ = nullptr;
  std::vector<std::optional<worker>> workers_;  // without a value: it has ended
  child_watch watch_{most_workers_};
  unsigned running_ = 0;
  std::vector<std::size_t> again_;  // in rounds after the first: the tasks of the round
  std::vector<bool> has_result_;    // where tasks may be run again
  std::map<std::size_t, unsigned> retries_;
  std::size_t done_ = 0;
  bytes_received received_;
  parallel_stats stats_;
  const clock::time_point begun_ = clock::now();
  progress_reporter progress_;
};

}  // namespace

void run_on_fork(const parallel_settings& settings, std::size_t count, travelling_tasks& tasks,
                 parallel_stats* stats) {
  if (const std::string why = tasks.why_not_travelling(); !why.empty()) throw not_shippable(why);
  if (!settings.allow_threads) refuse_foreign_threads();
  fork_call call(settings, count, tasks);
  call.run();
  if (stats != nullptr) call.tell(*stats);
}

}  // namespace larder::detail
