// The backend `processes`: batches on workers that are processes of their own.
//
// Who does what is as in fork_runner: whoever waits, or hands in a batch, looks after the workers, one thread at a time, the driver, as
// is_driven_ says. The crew is the driver's; the mutex guards the rest. It is free while the driver works with the crew, which takes long, and
// runs code of the program's (that of its types). Who wants something of the crew and is not the driver leaves word and posts the event
// that the driver waits for; the driver tells the others at the end of a turn. Submitted calls go on while nobody waits: then
// a thread of the team is the driver.

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include <larder/error.hpp>

#include "parallel/batch_runner.hpp"
#include "parallel/caller_run.hpp"
#include "parallel/process_crew.hpp"
#include "parallel/wake_event.hpp"
#include "src/fork_safety.hpp"
#include "src/team.hpp"

namespace larder::detail {
namespace {

using clock = std::chrono::steady_clock;

class process_runner final : public batch_runner {
 public:
  process_runner(const parallel_settings& settings, on_failure then)
      : settings_(settings), crew_(std::make_unique<process_crew>(settings, then)), begun_(clock::now()) {
    if (then == on_failure::stop) return;
    event_.emplace();
    background_.emplace(1U, in_background_);
  }

  ~process_runner() override {
    if (!is_ours()) {
      (void)crew_.release();  // the workers are the parent's
      return;
    }
    stop();
    background_.reset();
  }

  void start(std::shared_ptr<task_batch> batch) override {
    // In a child that has inherited this, the workers are not its own: it works alone.
    if (!is_ours()) return run_in_caller(settings_, *batch);
    {
      std::unique_lock lock(mutex_);
      if (end_fault_) {
        batch->fail(end_fault_);
        return;
      }
      queue_.push_back(std::move(batch));
      if (is_driven_) {
        wake_driver();
      } else {
        is_driven_ = true;
        give_out(lock);
        end_turn(lock);
      }
    }
    if (background_) background_->invite();  // where there is no thread to be had, those who wait do it
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
    unwanted_.emplace_back(&batch, fault);
    wake_driver();
    while (!batch.settled()) step(lock, time_point::max());
    std::erase_if(unwanted_, [&](const auto& each) { return each.first == &batch; });
    return batch.failed() && batch.fault() == fault;
  }

  void stop() noexcept override {
    if (!is_ours()) return;
    std::unique_lock lock(mutex_);
    end(std::make_exception_ptr(task_cancelled()));
    if (is_driven_) wake_driver();
    while (is_driven_ || is_busy_) step(lock, time_point::max());
    let_go(lock);
  }

  parallel_stats stats() const override {
    const std::lock_guard lock(mutex_);
    parallel_stats stats = stats_;
    stats.seconds = std::chrono::duration<double>(clock::now() - begun_).count();
    return stats;
  }

 private:
  bool is_ours() const noexcept { return made_in_.is_this(); }

  // --- under the mutex

  void wake_driver() const noexcept {
    if (event_) event_->post();
  }

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

  /// A turn of the driver: waits for something to happen, sees to it, and gives out what there is room for.
  void take_turn(std::unique_lock<std::mutex>& lock, time_point deadline) {
    is_driven_ = true;
    obey(lock);
    give_out(lock);
    lock.unlock();
    if (crew_->is_busy()) {
      try {
        crew_->wait(event_ ? &*event_ : nullptr, deadline);
        crew_->look();
      } catch (...) {  // no memory: who waits is told
        crew_->drop_all(std::current_exception());
      }
    }
    lock.lock();
    obey(lock);
    give_out(lock);
    end_turn(lock);
  }

  /// What others have left word of.
  void obey(std::unique_lock<std::mutex>& lock) {
    if (const auto& fault = crew_->fault()) end(fault);
    const auto unwanted = std::exchange(unwanted_, {});
    const auto end_fault = end_fault_;
    if (unwanted.empty() && !end_fault) return;
    lock.unlock();
    for (const auto& [batch, fault] : unwanted) crew_->drop(*batch, fault);
    if (end_fault) crew_->drop_all(end_fault);
    lock.lock();
  }

  void give_out(std::unique_lock<std::mutex>& lock) {
    while (!queue_.empty() && !end_fault_ && crew_->has_room()) {
      auto batch = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      crew_->give(std::move(batch));
      lock.lock();
      if (const auto& fault = crew_->fault()) end(fault);
    }
  }

  void end_turn(std::unique_lock<std::mutex>& lock) {
    stats_ = crew_->stats();
    is_busy_ = crew_->is_busy();
    is_driven_ = false;
    changed_.notify_all();
    let_go(lock);
  }

  /// No batch begins any more. Those that wait fail with what ended the call, so that whoever waits for one of them is told what
  /// happened.
  void end(const std::exception_ptr& fault) {
    if (!end_fault_) end_fault_ = fault;
    for (auto& each : queue_) {
      each->fail(end_fault_);
      dropped_.push_back(std::move(each));
    }
    queue_.clear();
  }

  /// Objects of the user's do not die under the mutex.
  void let_go(std::unique_lock<std::mutex>& lock) {
    if (dropped_.empty()) return;
    auto dropped = std::exchange(dropped_, {});
    lock.unlock();
    dropped.clear();
    lock.lock();
  }

  const parallel_settings& settings_;
  const origin_process made_in_;
  std::optional<wake_event>
      event_;  // for what others want of the driver: of a call on its own there are no others
  std::unique_ptr<process_crew> crew_;  // of the driver
  mutable std::mutex mutex_;
  std::condition_variable changed_;  // the driver has had a turn
  bool is_driven_ = false;
  bool is_busy_ = false;  // the crew is, or was when the last turn ended
  std::deque<std::shared_ptr<task_batch>> queue_;
  std::vector<std::pair<const task_batch*, std::exception_ptr>> unwanted_;  // that the crew has
  std::exception_ptr end_fault_;                                            // no batch begins any more
  std::vector<std::shared_ptr<task_batch>> dropped_;                        // until nobody has the mutex
  parallel_stats stats_;
  const time_point begun_;

  void run_in_background() noexcept {
    std::unique_lock lock(mutex_);
    while (is_busy_ || !queue_.empty()) step(lock, time_point::max());
  }
  struct background_body {
    process_runner* runner;
    void operator()(unsigned) const noexcept { runner->run_in_background(); }
  };
  const background_body in_background_{this};
  std::optional<background_call> background_;
};

}  // namespace

std::unique_ptr<batch_runner> make_process_runner(const parallel_settings& settings, on_failure then) {
  return std::make_unique<process_runner>(settings, then);
}

}  // namespace larder::detail
