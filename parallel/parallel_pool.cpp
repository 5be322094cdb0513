#include <larder/detail/parallel_pool.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <typeinfo>
#include <utility>

#include <larder/detail/submitted_call.hpp>
#include <larder/error.hpp>

#include "parallel/batch_runner.hpp"
#include "parallel/caller_run.hpp"
#include "parallel/worker_count.hpp"
#include "src/readable_name.hpp"

namespace larder::detail {

parallel_pool::parallel_pool(const parallel_options& options) : settings_(resolve(options)) {}

parallel_pool::~parallel_pool() = default;

batch_runner& parallel_pool::submitted() {
  const std::lock_guard lock(mutex_);
  if (!submitted_) submitted_ = make_runner(settings_, on_failure::go_on);
  return *submitted_;
}

task_handle::task_handle(std::shared_ptr<parallel_pool> pool, std::shared_ptr<task_batch> task)
    : task_(std::move(task)) {
  if (worker_count(pool->settings()) == 1) {
    run_in_caller(pool->settings(), *task_);
  } else {
    pool_ = std::move(pool);
    pool_->submitted().start(task_);
  }
}

bool task_handle::wait(std::chrono::steady_clock::time_point deadline) const {
  return pool_ == nullptr || pool_->submitted().wait([this] { return task_->settled(); }, deadline);
}

bool task_handle::cancel() const { return pool_ != nullptr && pool_->submitted().cancel(*task_); }

void refuse_empty_future() {
  throw value_error(
      "future: it has no result: none was given to it, or it was taken or moved to another one");
}

void refuse_inherited_future() {
  throw value_error(
      "future: its call runs for the process that submitted it; a child of fork cannot wait for it");
}

}  // namespace larder::detail
