#pragma once
// One child of this process: a snapshot of it that runs a function and leaves.
//
//   fork_child child(line, [&] { ... });   // in the child: runs it and ends there, with _exit
//   poll child.ended_fd() for POLLIN, then child.end()

#include <optional>

#include <sys/types.h>

#include <larder/detail/function_ref.hpp>

#include "parallel/lifeline.hpp"

namespace larder::detail {

/// The child ignores SIGINT, which the terminal sends to parent and children alike, and dies with its parent. Exit handlers and destructors of static objects do not run in it, also when the
/// function calls exit; of the streams it flushes stdout and std::cout, which were flushed before the fork.
class fork_child {
 public:
  /// `body` must not throw. io_error where the system gives no process. The lifeline lives as long.
  fork_child(const lifeline& line, function_ref<void() noexcept> body);
  /// Kills it, if it runs, and waits for its end, which is soon. In another child that has inherited this: nothing.
  ~fork_child();
  fork_child(fork_child&& other) noexcept;
  fork_child& operator=(fork_child&& other) noexcept;

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

/// Of stdout and std::cout.
void flush_output() noexcept;

}  // namespace larder::detail
