#pragma once
// What children tell the process of their call all the time, in memory that they share with it.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <new>
#include <optional>

#include "parallel/shared_block.hpp"
#include "parallel/worker_slot.hpp"

namespace larder::detail {

/// More children than that serve nobody.
inline constexpr unsigned k_most_children = 4096;

/// A slot for each worker, and when they are to wake the process of the call; behind these there may be room for more.
class worker_board {
 public:
  using clock = worker_slot::clock;

  explicit worker_board(unsigned workers, std::size_t more_bytes = 0)
      : shared_(sizeof(wake_request) + workers * sizeof(worker_slot) + more_bytes),
        request_(*::new (shared_.data()) wake_request),
        slots_(::new (shared_.data() + sizeof(wake_request)) worker_slot[workers]),
        workers_(workers) {}

  wake_request& request() const noexcept { return request_; }
  worker_slot& operator[](unsigned worker) const noexcept { return slots_[worker]; }
  /// Aligned as a slot is.
  void* more() const noexcept { return slots_ + workers_; }

  /// For a worker that begins. Until then, and from its end on until the next one begins, it is at no task.
  worker_slot& renew(unsigned worker) const noexcept { return *::new (&slots_[worker]) worker_slot; }

  /// When the first of the tasks that run now may be over its time. One that begins later cannot be over before.
  template <class IsRunning>
  clock::time_point next_deadline(clock::duration timeout, IsRunning is_running) const noexcept {
    auto first = clock::now();
    for (unsigned i = 0; i != workers_; ++i) {
      const auto at = is_running(i) ? slots_[i].at() : std::nullopt;
      if (at) first = std::min(first, at->started);
    }
    return first + timeout;
  }

 private:
  const shared_block shared_;
  wake_request& request_;
  worker_slot* const slots_;
  const unsigned workers_;
};

}  // namespace larder::detail
