#pragma once
// How far a computation is, on the terminal.
//
//   progress_bar progress(50000, n);
//   pool.map(range, [&](std::size_t i) { …; progress.advance(); });

#include <atomic>
#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>

namespace convolve {

/// A line on stderr while the object lives, if stderr is a terminal; nothing otherwise, and nothing for what takes less
/// than a moment. Drawn by the threads that do the work, without one waiting for another.
class progress_bar {
 public:
  /// For `total` points at a resolving power.
  progress_bar(double resolution, std::size_t total);
  /// Takes the line off the terminal.
  ~progress_bar();
  progress_bar(const progress_bar&) = delete;
  progress_bar& operator=(const progress_bar&) = delete;

  /// One more point is done. Any thread.
  void advance() {
    if (is_shown_ && (done_.fetch_add(1, std::memory_order_relaxed) + 1) % k_points_per_look == 0)
      look_at_clock();
  }

 private:
  static constexpr std::size_t k_points_per_look = 64;

  void look_at_clock();
  void draw(std::chrono::steady_clock::duration elapsed);
  void erase();

  const bool is_shown_;
  const std::string label_;
  const std::size_t total_;
  const std::chrono::steady_clock::time_point start_;
  std::atomic<std::size_t> done_ = 0;
  std::mutex drawing_;  // guards what follows
  std::chrono::steady_clock::time_point next_;
  std::size_t drawn_ = 0;  // columns
};

}  // namespace convolve
