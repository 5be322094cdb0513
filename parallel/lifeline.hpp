#pragma once
// What ties children to the process that made them: when it is gone, however it went, the kernel kills them at once.

#include "src/fork_safety.hpp"

namespace larder::detail {

/// Ties this process to the one that has the other end of the pipe. Returns false where that is gone already.
bool hold_lifeline(int reading_end) noexcept;

/// A pipe that nobody writes to. Its writing end is the parent's alone; the kernel sends SIGKILL to each child when it is closed.
class lifeline {
 public:
  /// io_error where the system gives no pipe.
  lifeline();
  ~lifeline();
  lifeline(const lifeline&) = delete;
  lifeline& operator=(const lifeline&) = delete;

  /// In a child, first of all. Returns false where the parent is gone already.
  bool hold() const noexcept { return hold_lifeline(reading_end_); }

  /// For children that inherit nothing.
  int reading_end() const noexcept { return reading_end_; }

 private:
  unshared_descriptor writing_end_;
  int reading_end_ = -1;
};

}  // namespace larder::detail
