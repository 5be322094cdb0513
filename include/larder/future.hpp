#pragma once
// The result of a call that parallel::submit made.
//
//   larder::future<double> area = pool.submit(integrate, 0.0, 1.0);
//   ...
//   use(area.get());

#include <chrono>
#include <exception>
#include <utility>

#include <larder/detail/submitted_call.hpp>

namespace larder {

/// Move-only. It keeps alive what runs its call, so it may outlive the pool. Dropping it cancels nothing; calls that have not begun
/// when the pool and all its futures are gone never do. wait, wait_for, is_ready and cancel may be called by several threads
/// at once. It is of use in the process that submitted it: in a child of fork, waiting for what had no result yet is a value_error.
template <class R>
class future {
 public:
  /// Holds nothing, as one whose result was taken or that was moved from: valid() is false, and get, wait, wait_for and cancel
  /// are a value_error.
  future() = default;
  future(future&&) noexcept = default;
  future& operator=(future&&) noexcept = default;

  bool valid() const noexcept { return handle_.is_valid(); }

  /// Waits for the result and gives it away. Throws what the function has thrown; task_cancelled after a cancel() that came
  /// in time; timeout_error, worker_died, as a map. On threads a task that is over its time runs on meanwhile: what it refers to has to live.
  R get() {
    require();
    if (!handle_.wait(k_never)) detail::refuse_inherited_future();
    const auto handle = std::exchange(handle_, {});
    if (handle.task().failed()) std::rethrow_exception(handle.task().fault());
    return static_cast<detail::submitted_task<R>&>(handle.task()).take();
  }

  /// Waits until there is a result or an exception.
  void wait() const {
    require();
    if (!handle_.wait(k_never)) detail::refuse_inherited_future();
  }
  /// The same, but not for longer than that; whether there is one.
  template <class Rep, class Period>
  bool wait_for(std::chrono::duration<Rep, Period> longest) const {
    require();
    return handle_.wait(after(longest));
  }
  bool is_ready() const { return wait_for(std::chrono::seconds(0)); }

  /// The call is not wanted any more. True where it has no result and will have none: get() throws task_cancelled. On threads that
  /// is one that has not begun; one that runs only sees stop_requested(). A child of fork is killed, and a worker process that does not stop soon.
  bool cancel() {
    require();
    return handle_.cancel();
  }

 private:
  friend class parallel;
  using time_point = std::chrono::steady_clock::time_point;
  static constexpr time_point k_never = time_point::max();

  explicit future(detail::task_handle handle) noexcept : handle_(std::move(handle)) {}

  void require() const {
    if (!valid()) detail::refuse_empty_future();
  }

  template <class Rep, class Period>
  static time_point after(std::chrono::duration<Rep, Period> longest) {
    const auto now = std::chrono::steady_clock::now();
    const std::chrono::duration<double> seconds = longest;
    const std::chrono::duration<double> most = k_never - now;
    if (seconds >= most) return k_never;
    return now + std::chrono::duration_cast<std::chrono::steady_clock::duration>(seconds);
  }

  detail::task_handle handle_;
};

}  // namespace larder
