#pragma once
// What ties children to the process that made them: when it is gone, however it went, the kernel kills them at once.

#include "src/fork_safety.hpp"

namespace larder::detail {

/// A pipe that nobody writes to. Its writing end is the parent's alone; the kernel sends SIGKILL to each child when it is closed.
class lifeline {
 public:
  /// io_error where the system gives no pipe.
  lifeline();
  ~lifeline();
  lifeline(const lifeline&) = delete;
  lifeline& operator=(const lifeline&) = delete;

  /// In a child, first of all. Returns false where the parent is gone already.
  bool hold() const noexcept;

 private:
  unshared_descriptor writing_end_;
  int reading_end_ = -1;
};

}  // namespace larder::detail
