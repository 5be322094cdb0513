#include <larder/stop_requested.hpp>

#include <larder/detail/stop_state.hpp>

namespace larder {
namespace {

thread_local constinit const detail::task_scope* innermost = nullptr;

}  // namespace

namespace detail {

task_scope::task_scope(const stop_state& stop, const task_scope* outer) noexcept
    : stop_(stop), outer_(outer), before_(innermost) {
  innermost = this;
}

task_scope::~task_scope() { innermost = before_; }

const task_scope* task_scope::current() noexcept { return innermost; }

bool task_scope::stop_requested() const noexcept {
  for (const task_scope* each = this; each != nullptr; each = each->outer_) {
    if (each->stop_.requested()) return true;
    if (each->has_deadline_ && std::chrono::steady_clock::now() >= each->deadline_) return true;
  }
  return false;
}

}  // namespace detail

bool stop_requested() noexcept { return innermost != nullptr && innermost->stop_requested(); }

}  // namespace larder
