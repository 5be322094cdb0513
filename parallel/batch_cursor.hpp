#pragma once
// How the tasks of a map are cut into batches: the scheduler that the backends share.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>

namespace larder::detail {

/// The tasks [0, count) that nobody has taken yet. Workers take batches from the front; one atomic word
/// decides who gets what, so a task is in exactly one batch. Without lock and allocation. It orders nothing
/// but itself: tasks see what was written before the map because their backend starts workers after it.
class batch_cursor {
 public:
  batch_cursor(std::size_t count, unsigned workers) noexcept : count_(count), workers_(workers) {}

  struct batch {
    std::size_t begin;
    std::size_t end;
    bool empty() const noexcept { return begin == end; }
  };

  /// Exactly `size` tasks (at least 1), fewer at the end, none when all are taken.
  batch take(std::size_t size) noexcept { return take_up_to(size, count_); }

  /// As take, but at most half of this worker's share of what is left: whoever takes the last batches, none
  /// of them is long enough to keep the others waiting for much.
  batch take_share(std::size_t size) noexcept {
    const std::size_t left = count_ - next_.load(std::memory_order_relaxed);
    return take_up_to(size, std::max<std::size_t>(1, left / (2 * std::size_t{workers_})));
  }

  /// No batch is handed out any more.
  void stop() noexcept { next_.store(count_, std::memory_order_relaxed); }

 private:
  batch take_up_to(std::size_t size, std::size_t most) noexcept {
    std::size_t begin = next_.load(std::memory_order_relaxed);
    for (;;) {
      const std::size_t end = begin + std::min({size, most, count_ - begin});
      if (begin == end || next_.compare_exchange_weak(begin, end, std::memory_order_relaxed))
        return {begin, end};
    }
  }

  std::atomic<std::size_t> next_ = 0;
  const std::size_t count_;
  const std::size_t workers_;
};

/// One worker's choice of batch size: batches are to take long enough (25 to 100 us) that handing them out
/// costs next to nothing, and no longer, so that work stays balanced and a failing map stops soon. Starts
/// with single tasks, so expensive ones always travel singly.
class batch_sizer {
 public:
  std::size_t size() const noexcept { return size_; }

  /// To be called at the end of each batch.
  void finished() noexcept {
    const auto now = clock::now();
    const auto took = now - begun_;
    begun_ = now;
    if (took < k_too_short && size_ < k_largest) {
      size_ *= 2;
    } else if (took > k_too_long && size_ > 1) {
      size_ /= 2;
    }
  }

 private:
  using clock = std::chrono::steady_clock;
  static constexpr std::chrono::microseconds k_too_short{25};
  static constexpr std::chrono::microseconds k_too_long{100};
  static constexpr std::size_t k_largest = std::size_t{1} << 32;

  std::size_t size_ = 1;
  clock::time_point begun_ = clock::now();
};

}  // namespace larder::detail
