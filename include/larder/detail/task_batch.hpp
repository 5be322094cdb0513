#pragma once
// The tasks of a call as the compiled core sees them; the templates that make them know their types.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <string>
#include <utility>

#include <larder/detail/stop_state.hpp>
#include <larder/detail/travel.hpp>

namespace larder::detail {

class shipment;  // <larder/detail/shipment.hpp>

/// Tasks whose inputs are reached by index: [0, count) of one call. The members are called by several threads at once, for
/// different tasks.
class indexed_tasks {
 public:
  /// Calls the function for each of [begin, end) and keeps the results. What it throws passes through. `worker` is below the
  /// number of workers, and no two threads are the same one at a time.
  virtual void run(unsigned worker, std::size_t begin, std::size_t end) = 0;

 protected:
  ~indexed_tasks() = default;
};

/// Those whose results can come from another process.
class travelling_tasks : public indexed_tasks {
 public:
  /// For workers that do not have this process's memory: the call, and what a shipped_call reads for these tasks.
  virtual const shipment& shipped() const = 0;
  virtual void write_inputs(std::size_t begin, std::size_t end, travel_writer& to) = 0;
  /// In another process, after run() of the same tasks there: hands their results over.
  virtual void write(unsigned worker, std::size_t begin, std::size_t end, travel_writer& to) = 0;
  /// In the process of the call: takes what write() of the same tasks handed over.
  virtual void read(std::size_t begin, std::size_t end, travel_reader& from) = 0;
  /// Why results cannot come from another process: a text for an error. Empty where they can.
  virtual std::string why_not_travelling() const = 0;

 protected:
  ~travelling_tasks() = default;
};

/// Some consecutive tasks of a call that travel together, with their inputs and their results.
class task_batch {
 public:
  explicit task_batch(std::size_t first, std::size_t count, std::shared_ptr<stop_state> stop)
      : first_(first), count_(count), stop_(std::move(stop)) {}
  virtual ~task_batch() = default;
  task_batch(const task_batch&) = delete;
  task_batch& operator=(const task_batch&) = delete;

  /// The index in its call of the first task, and the number of tasks.
  std::size_t first() const noexcept { return first_; }
  std::size_t count() const noexcept { return count_; }
  stop_state& stop() const noexcept { return *stop_; }

  /// Runs the i-th task of the batch, i < count(), and keeps its result. What the function throws passes through.
  virtual void run(std::size_t i) = 0;
  // As in travelling_tasks.
  virtual const shipment& shipped() const = 0;
  virtual void write_inputs(std::size_t begin, std::size_t end, travel_writer& to) = 0;
  virtual void write(std::size_t i, travel_writer& to) = 0;
  virtual void read(std::size_t i, travel_reader& from) = 0;
  /// The same of the tasks [begin, end), one after the other.
  virtual void read_all(std::size_t begin, std::size_t end, travel_reader& from) {
    for (std::size_t i = begin; i != end; ++i) read(i, from);
  }
  virtual std::string why_not_travelling() const = 0;
  /// Whether its tasks make one result together: finished() goes from 0 to count() at once, write() and read() are called for
  /// the last task alone, and after a failure all of them have to run again.
  virtual bool is_whole() const noexcept { return false; }
  /// Whether somebody may wait for results before all are there.
  virtual bool wants_each_result() const noexcept { return true; }

  // How far it is. Written by the runner that has it, read by whoever waits for results.

  /// Tasks [0, finished()) have results; what they wrote is visible to who sees the number.
  std::size_t finished() const noexcept { return finished_.load(std::memory_order_acquire); }
  /// Whether the task finished() has failed: no further one of the batch will run.
  bool failed() const noexcept { return failed_.load(std::memory_order_acquire); }
  /// After failed() was seen.
  const std::exception_ptr& fault() const noexcept { return fault_; }
  bool settled() const noexcept { return failed() || finished() == count_; }

  /// How many bytes it took to send its tasks to where they ran; 0 where they were not sent. Before that it is given away.
  std::size_t sent_bytes() const noexcept { return sent_bytes_.load(std::memory_order_relaxed); }
  void set_sent_bytes(std::size_t bytes) noexcept { sent_bytes_.store(bytes, std::memory_order_relaxed); }

  /// The time that its tasks took, once it is settled.
  std::chrono::nanoseconds busy() const noexcept { return busy_; }

  /// Before the last publish() or fail().
  void set_busy(std::chrono::nanoseconds busy) noexcept { busy_ = busy; }
  void publish(std::size_t finished) noexcept { finished_.store(finished, std::memory_order_seq_cst); }
  /// Once, by one thread. Whoever shares its stop_state is told to stop.
  void fail(std::exception_ptr fault) noexcept {
    stop_->request();
    fault_ = std::move(fault);
    failed_.store(true, std::memory_order_seq_cst);
  }

 private:
  const std::size_t first_;
  const std::size_t count_;
  const std::shared_ptr<stop_state> stop_;
  std::atomic<std::size_t> finished_ = 0;
  std::atomic<bool> failed_ = false;
  std::exception_ptr fault_;
  std::chrono::nanoseconds busy_{0};
  std::atomic<std::size_t> sent_bytes_ = 0;
};

}  // namespace larder::detail
