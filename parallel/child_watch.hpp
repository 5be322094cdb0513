#pragma once
// What whoever looks after children waits for: an event, and of each of them its end, and perhaps an event of its own.

#include <algorithm>
#include <chrono>
#include <vector>

#include <poll.h>

namespace larder::detail {

/// Only children that run are polled: the kernel refuses more descriptors than a process may have open.
class child_watch {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  explicit child_watch(unsigned workers) : ended_(workers), said_(workers) {}

  /// Begins anew, with the event alone; -1: without one.
  void reset(int event) {
    polled_.assign(1, {event, POLLIN, 0});
    flags_.clear();
    std::fill(ended_.begin(), ended_.end(), 0);
    std::fill(said_.begin(), said_.end(), 0);
  }
  void add(unsigned worker, int ended_fd) { add(ended_fd, ended_[worker]); }
  void add_event(unsigned worker, int event) { add(event, said_[worker]); }

  /// Returns at the deadline at the latest, or earlier for no reason (a signal); it may be the largest time: no deadline; or
  /// the smallest: at once.
  void wait(time_point until) noexcept {
    using namespace std::chrono;
    timespec left{};
    const bool is_bounded = until != time_point::max();
    if (is_bounded) {
      // Not a difference first: that of the smallest time and now is no number.
      const auto now = steady_clock::now();
      const nanoseconds rest = until > now ? nanoseconds(until - now) : nanoseconds(0);
      left.tv_sec = duration_cast<seconds>(rest).count();
      left.tv_nsec = (rest % seconds(1)).count();
    }
    const int ready = ::ppoll(polled_.data(), polled_.size(), is_bounded ? &left : nullptr, nullptr);
    if (ready < 0) polled_[0].revents = 0;
    for (std::size_t i = 0; i != flags_.size(); ++i)
      *flags_[i] = ready > 0 && polled_[i + 1].revents != 0 ? 1 : 0;
  }

  bool is_posted() const noexcept { return polled_[0].revents != 0; }
  bool has_ended(unsigned worker) const noexcept { return ended_[worker] != 0; }
  /// Whether its own event is posted.
  bool has_said(unsigned worker) const noexcept { return said_[worker] != 0; }

 private:
  void add(int fd, char& flag) {
    polled_.push_back({fd, POLLIN, 0});
    flags_.push_back(&flag);
  }

  std::vector<pollfd> polled_;  // the event, and what was added,
  std::vector<char*> flags_;    // which is noted there
  std::vector<char> ended_;     // by worker
  std::vector<char> said_;
};

}  // namespace larder::detail
