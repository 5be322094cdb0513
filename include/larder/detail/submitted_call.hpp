#pragma once
// One call on its own, as submit makes it.

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include <larder/detail/result_slot.hpp>
#include <larder/detail/shipment.hpp>
#include <larder/detail/task_batch.hpp>

namespace larder::detail {

class parallel_pool;  // <larder/detail/parallel_pool.hpp>

template <class R, class F, class... Args>
class submitted_call;

/// A batch of one task, whose result is of type R.
template <class R>
class submitted_task : public task_batch {
 public:
  submitted_task() : task_batch(0, 1, std::make_shared<stop_state>()) {}

  void write(std::size_t, travel_writer& to) override { result_.write(to); }
  void read(std::size_t, travel_reader& from) override { result_.read(from); }
  std::string why_not_travelling() const override {
    return detail::why_not_travelling<R>(travel_role::result);
  }

  R take() { return result_.take(); }

 protected:
  result_slot<R> result_;
};

template <class R, class F, class... Args>
class submitted_call final : public submitted_task<R> {
 public:
  template <class G, class... Given>
  explicit submitted_call(G&& function, Given&&... args)
      : function_(std::forward<G>(function)), args_(std::forward<Given>(args)...) {}

  void run(std::size_t) override {
    this->result_.fill([this]() -> decltype(auto) {
      return std::apply(
          [this](Args&... args) -> decltype(auto) {
            return std::invoke(std::move(function_), std::move(args)...);
          },
          args_);
    });
  }
  const shipment& shipped() const override { return shipment_; }
  void write_inputs(std::size_t, std::size_t, travel_writer& to) override {
    if constexpr (submit_shipment<F, Args...>::k_can) {
      write_travelling(function_, to);
      std::apply([&](const Args&... each) { (write_travelling(each, to), ...); }, args_);
    }
  }

 private:
  const submit_shipment<F, Args...> shipment_;
  F function_;
  std::tuple<Args...> args_;
};

/// A task that was handed in, and the pool that runs it. Thread-safe but for moving it.
class task_handle {
 public:
  task_handle() = default;
  /// Runs it at once where the pool has one worker; else a worker does when one is free.
  task_handle(std::shared_ptr<parallel_pool> pool, std::shared_ptr<task_batch> task);

  bool is_valid() const noexcept { return task_ != nullptr; }
  task_batch& task() const noexcept { return *task_; }

  /// True as soon as it is settled, false at the deadline.
  bool wait(std::chrono::steady_clock::time_point deadline) const;
  bool cancel() const;

 private:
  std::shared_ptr<task_batch> task_;
  std::shared_ptr<parallel_pool> pool_;  // null where it is settled
};

/// value_error for a future that has none, and for one in a child of fork whose call runs for the parent.
[[noreturn]] void refuse_empty_future();
[[noreturn]] void refuse_inherited_future();

}  // namespace larder::detail
