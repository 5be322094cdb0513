#pragma once
// What whoever looks after children waits for: an event, and the end of each of them.

#include <algorithm>
#include <chrono>
#include <vector>

#include <poll.h>

namespace larder::detail {

/// Only children that run are polled: the kernel refuses more descriptors than a process may have open.
class child_watch {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  explicit child_watch(unsigned workers) : ended_(workers) {}

  /// Begins anew, with the event alone.
  void reset(int event) {
    polled_.assign(1, {event, POLLIN, 0});
    numbers_.clear();
    std::fill(ended_.begin(), ended_.end(), false);
  }
  void add(unsigned worker, int ended_fd) {
    polled_.push_back({ended_fd, POLLIN, 0});
    numbers_.push_back(worker);
  }

  /// Returns at the deadline at the latest, or earlier for no reason (a signal); it may be the largest time: no deadline.
  void wait(time_point until) noexcept {
    using namespace std::chrono;
    timespec left{};
    const bool is_bounded = until != time_point::max();
    if (is_bounded) {
      const nanoseconds rest = std::max(nanoseconds(until - steady_clock::now()), nanoseconds(0));
      left.tv_sec = duration_cast<seconds>(rest).count();
      left.tv_nsec = (rest % seconds(1)).count();
    }
    const int ready = ::ppoll(polled_.data(), polled_.size(), is_bounded ? &left : nullptr, nullptr);
    if (ready < 0) polled_[0].revents = 0;
    for (std::size_t i = 0; i != numbers_.size(); ++i)
      ended_[numbers_[i]] = ready > 0 && polled_[i + 1].revents != 0;
  }

  bool is_posted() const noexcept { return polled_[0].revents != 0; }
  bool has_ended(unsigned worker) const noexcept { return ended_[worker]; }

 private:
  std::vector<pollfd> polled_;     // the event, and the ends of children,
  std::vector<unsigned> numbers_;  // which are those of these workers
  std::vector<bool> ended_;        // by worker
};

}  // namespace larder::detail
