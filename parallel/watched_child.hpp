#pragma once
// One child of this process, however it was made.
//
//   poll child.ended_fd() for POLLIN, then child.end()

#include <optional>

#include <sys/types.h>

namespace larder::detail {

class watched_child {
 public:
  /// A child that has just been made. io_error where the system cannot watch it: it is killed then.
  explicit watched_child(pid_t pid);
  /// Kills it, if it runs, and waits for its end, which is soon. In another child that has inherited this: nothing.
  ~watched_child();
  watched_child(watched_child&& other) noexcept;
  watched_child& operator=(watched_child&& other) noexcept;

  pid_t pid() const noexcept { return pid_; }
  /// Can be read from when the child has ended.
  int ended_fd() const noexcept { return pidfd_; }

  void kill() const noexcept;

  /// Waits for its end. What waitpid says of it; without a value where the program has taken that for itself (by a
  /// waitpid for any child, or by ignoring SIGCHLD). Once.
  std::optional<int> end() noexcept;

 private:
  pid_t parent_;
  pid_t pid_ = -1;  // -1 after end()
  int pidfd_ = -1;
};

}  // namespace larder::detail
