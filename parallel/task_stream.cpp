#include <larder/detail/task_stream.hpp>

#include <algorithm>
#include <chrono>
#include <deque>
#include <exception>
#include <limits>
#include <memory>
#include <utility>

#include <larder/error.hpp>

#include "parallel/batch_runner.hpp"
#include "parallel/caller_run.hpp"
#include "parallel/progress_reporter.hpp"
#include "parallel/worker_count.hpp"

namespace larder::detail {
namespace {

using namespace std::chrono_literals;

// What is read ahead takes memory.
constexpr std::size_t k_largest_batch = 256;
constexpr std::size_t k_largest_forked_batch = 16384;
constexpr std::size_t k_largest_sent_batch = 65536;
constexpr std::size_t k_most_sent_bytes = std::size_t{4} << 20;
constexpr std::size_t k_all = std::numeric_limits<std::size_t>::max();

/// How many tasks to hand out at a time: so many that handing them out costs next to nothing, and no more, so that results come soon
/// and work stays balanced. Begins with single tasks: expensive ones always travel singly.
class batch_sizer {
 public:
  batch_sizer(const parallel_settings& settings, bool in_caller)
      : fixed_(in_caller                    ? 1
               : settings.batch_size != 0   ? settings.batch_size
               : settings.pre_dispatch != 0 ? 1
                                            : 0),
        // A child costs some hundred microseconds, a message to a worker process and back some ten, a thread's turn one or two.
        wanted_(settings.backend == backend::fork        ? 20ms
                : settings.backend == backend::processes ? 2ms
                                                         : 200us),
        largest_(settings.backend == backend::fork        ? k_largest_forked_batch
                 : settings.backend == backend::processes ? k_largest_sent_batch
                                                          : k_largest_batch),
        growth_(settings.backend == backend::threads ? 2 : 8) {}

  std::size_t size() const noexcept { return fixed_ != 0 ? fixed_ : size_; }

  /// Reading so many elements took so long. Where that is the slow side, larger batches would only keep results back.
  void learn_reading(std::size_t elements, std::chrono::nanoseconds took) noexcept {
    if (took <= wanted_) return;
    largest_ = std::max<std::size_t>(1, elements / 2);
    size_ = std::min(size_, largest_);
  }

  void learn(const task_batch& settled) noexcept {
    if (const std::size_t bytes = settled.sent_bytes(); bytes > k_most_sent_bytes) {
      largest_ = std::max<std::size_t>(1, settled.count() * k_most_sent_bytes / bytes);
      size_ = std::min(size_, largest_);
    }
    if (settled.count() < size_) return;  // it says nothing of larger ones
    if (settled.busy() < wanted_ / 2) {
      const auto fits =
          static_cast<std::size_t>(wanted_ / std::max(settled.busy(), std::chrono::nanoseconds(1)));
      size_ = std::min(size_ * std::clamp<std::size_t>(fits, 2, growth_), largest_);
    } else if (settled.busy() > 2 * wanted_) {
      size_ = std::max<std::size_t>(1, size_ / 2);
    }
  }

 private:
  const std::size_t fixed_;
  const std::chrono::nanoseconds wanted_;
  std::size_t largest_;
  std::size_t growth_;  // at most, from one batch to the next
  std::size_t size_ = 1;
};

}  // namespace

class task_stream::state {
 public:
  state(const parallel_settings& settings, batch_source& source, stream_order order)
      : settings_(settings),
        source_(source),
        order_(order),
        workers_(worker_count(settings)),
        sizer_(settings, workers_ == 1),
        progress_(settings, source.total()),
        begun_(std::chrono::steady_clock::now()) {
    if (workers_ == 1) return;
    runner_ = make_runner(settings, on_failure::stop);
    read_ahead();
  }

  ~state() { stop_->request(); }

  std::optional<task> next() {
    try {
      const auto task = find_next();
      if (task) {
        progress_.report(taken_);
      } else if (!is_over_) {
        is_over_ = true;
        last_stats_ = stats_so_far();
        progress_.finish(taken_);
      }
      return task;
    } catch (...) {
      end();
      throw;
    }
  }

  void run() {
    try {
      while (!is_over_) {
        read_ahead();
        if (pending_.empty()) {
          is_over_ = true;
          last_stats_ = stats_so_far();
          progress_.finish(taken_);
          return;
        }
        wait();
        for (pending& each : pending_) {
          taken_ += each.batch->finished() - each.taken;
          each.taken = each.batch->finished();
          if (each.taken == each.batch->count()) sizer_.learn(*each.batch);
        }
        std::erase_if(pending_, [](const pending& each) { return each.taken == each.batch->count(); });
        progress_.report(taken_);
      }
    } catch (...) {
      end();
      throw;
    }
  }

  parallel_stats stats() const {
    if (is_over_) return last_stats_;
    return stats_so_far();
  }

 private:
  parallel_stats stats_so_far() const {
    if (runner_) return runner_->stats();
    parallel_stats stats = in_caller_;
    stats.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count();
    return stats;
  }

  // A batch whose results are not all taken.
  struct pending {
    std::shared_ptr<task_batch> batch;
    std::size_t taken = 0;
  };

  std::optional<task> find_next() {
    if (is_over_) return std::nullopt;
    if (workers_ == 1) return run_next();
    read_ahead();
    if (pending_.empty()) return std::nullopt;
    wait();
    return take(first_finished());
  }

  /// Until there is a task that can be taken. Throws what one has thrown.
  void wait() {
    const auto ready = [this] {
      return first_finished() != pending_.end() || first_failed() != pending_.end();
    };
    if (!runner_->wait(ready, batch_runner::time_point::max())) {
      throw value_error(
          "parallel: results of a call come to the process that made it, and to no child of fork");
    }
    if (const auto failed = first_failed(); failed != pending_.end())
      std::rethrow_exception(failed->batch->fault());
  }

  /// With one worker: the next batch runs here and now.
  std::optional<task> run_next() {
    given_batch_ = read(1);
    if (!given_batch_) return std::nullopt;
    run_in_caller(settings_, *given_batch_);
    if (given_batch_->failed()) std::rethrow_exception(given_batch_->fault());
    ++taken_;
    ++in_caller_.batches;
    ++in_caller_.tasks;
    in_caller_.worker_seconds.resize(1);
    in_caller_.worker_seconds[0] += std::chrono::duration<double>(given_batch_->busy()).count();
    return task{*given_batch_, 0};
  }

  std::shared_ptr<task_batch> read(std::size_t most) {
    if (is_read_) return nullptr;
    auto batch = source_.next(read_, most, stop_);
    if (batch) {
      read_ += batch->count();
    } else {
      is_read_ = true;
    }
    return batch;
  }

  /// Reads as far ahead as may be: so many tasks, or without a number so many batches for each worker.
  void read_ahead() {
    while (!is_read_) {
      std::size_t most = sizer_.size();
      if (settings_.pre_dispatch == 0) {
        if (pending_.size() >= 2 * std::size_t{workers_}) return;
        // Towards the end of a range that says where it ends batches become small, so that no worker has the last for long.
        if (settings_.batch_size == 0 && source_.total() > read_)
          most = std::clamp<std::size_t>((source_.total() - read_) / (2 * std::size_t{workers_}), 1, most);
      } else if (settings_.pre_dispatch != k_all) {
        const std::size_t untaken = read_ - taken_;
        if (untaken >= settings_.pre_dispatch) return;
        const std::size_t room = settings_.pre_dispatch - untaken;
        if (room < most && untaken != 0 && settings_.batch_size != 0)
          return;  // whole batches, where there can be any
        most = std::min(most, room);
      }
      const auto before = std::chrono::steady_clock::now();
      auto batch = read(most);
      if (!batch) return;
      sizer_.learn_reading(batch->count(), std::chrono::steady_clock::now() - before);
      runner_->start(batch);
      pending_.push_back({std::move(batch)});
    }
  }

  using position = std::deque<pending>::iterator;

  /// The batch whose next finished task may be taken.
  position first_finished() {
    const auto has_one = [](const pending& each) { return each.taken < each.batch->finished(); };
    if (order_ == stream_order::finished) return std::ranges::find_if(pending_, has_one);
    return !pending_.empty() && has_one(pending_.front()) ? pending_.begin() : pending_.end();
  }
  position first_failed() {
    if (!stop_->requested()) return pending_.end();  // a failure requests it
    return std::ranges::find_if(pending_, [](const pending& each) { return each.batch->failed(); });
  }

  task take(position from) {
    task_batch& batch = *from->batch;
    const std::size_t i = batch.is_whole() ? batch.count() - 1 : from->taken;
    taken_ += i + 1 - from->taken;
    from->taken = i + 1;
    if (from->taken == batch.count()) {
      sizer_.learn(batch);
      given_batch_ = std::move(from->batch);
      pending_.erase(from);
    }
    return {batch, i};
  }

  void end() {
    is_over_ = true;
    stop_->request();
    if (runner_) runner_->stop();
    pending_.clear();
    last_stats_ = stats_so_far();
  }

  const parallel_settings& settings_;
  batch_source& source_;
  const stream_order order_;
  const unsigned workers_;
  const std::shared_ptr<stop_state> stop_ = std::make_shared<stop_state>();
  batch_sizer sizer_;
  progress_reporter progress_;
  const std::chrono::steady_clock::time_point begun_;
  std::size_t read_ = 0;   // elements
  std::size_t taken_ = 0;  // tasks
  bool is_read_ = false;
  bool is_over_ = false;
  std::deque<pending> pending_;  // in the order of the range
  std::shared_ptr<task_batch>
      given_batch_;  // that of the task that was given last, where it is not pending any more
  parallel_stats in_caller_;
  parallel_stats last_stats_;             // once it is over
  std::unique_ptr<batch_runner> runner_;  // null with one worker; goes first, and waits for tasks
};

task_stream::task_stream(const parallel_settings& settings, batch_source& source, stream_order order)
    : state_(std::make_unique<state>(settings, source, order)) {}

task_stream::~task_stream() = default;

std::optional<task_stream::task> task_stream::next() { return state_->next(); }

void task_stream::run() { state_->run(); }

parallel_stats task_stream::stats() const { return state_->stats(); }

}  // namespace larder::detail
