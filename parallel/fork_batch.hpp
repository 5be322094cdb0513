#pragma once
// One batch of tasks in a child of its own.

#include <cstddef>
#include <exception>
#include <memory>

#include <larder/detail/parallel_settings.hpp>
#include <larder/detail/task_batch.hpp>

#include "parallel/fork_child.hpp"
#include "parallel/lifeline.hpp"
#include "parallel/result_channel.hpp"
#include "parallel/wake_event.hpp"
#include "parallel/worker_slot.hpp"

namespace larder::detail {

/// What the children of a runner have in common. All of it lives as long as they do.
struct fork_surroundings {
  const parallel_settings& settings;
  const lifeline& line;
  const wake_request& request;
  const wake_event& event;
};

class fork_batch {
 public:
  /// Forks a child that runs the tasks which have no results; the slot is its own. value_error where the process has threads that it
  /// must not have, not_shippable, io_error.
  fork_batch(const fork_surroundings& around, std::shared_ptr<task_batch> tasks, worker_slot& slot);

  task_batch& tasks() const noexcept { return *tasks_; }
  const std::shared_ptr<task_batch>& share() const noexcept { return tasks_; }
  watched_child& child() noexcept { return child_; }
  const watched_child& child() const noexcept { return child_; }

  /// Whether the child has sent something that was not received.
  bool has_more() const noexcept { return receiver_.has_more(); }
  /// Publishes the results that have come; counts them and their bytes.
  void receive(bytes_received& received, std::size_t& tasks) noexcept;
  /// What a task threw, or what went wrong with a result; null where nothing did. The child ends by itself.
  const std::exception_ptr& failure() const noexcept { return failure_; }

 private:
  std::shared_ptr<task_batch> tasks_;
  worker_slot& slot_;
  watched_child child_;
  result_receiver receiver_;
  std::exception_ptr failure_;

  fork_batch(const fork_surroundings& around, std::shared_ptr<task_batch>&& tasks, worker_slot& slot,
             std::unique_ptr<result_way> way);
};

}  // namespace larder::detail
