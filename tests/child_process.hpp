#pragma once
// A forked child of a test.

#include <cerrno>
#include <csignal>
#include <system_error>

#include <sys/wait.h>
#include <unistd.h>

/// After so long a child is taken to hang: far longer than any takes, also on a busy machine.
inline constexpr unsigned k_child_seconds = 600;

/// Runs `body` in a child, whose exit status is what it returns: 0 is success, 99 stands for an exception. The child is
/// killed if the test ends before it was waited for, and by SIGALRM if it hangs.
class child_process {
 public:
  template <class Body>
  explicit child_process(Body body) : pid_(::fork()) {
    if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
    if (pid_ != 0) return;
    ::alarm(k_child_seconds);
    int status = 99;
    try {
      status = body();
    } catch (...) {
    }
    ::_exit(status);
  }
  child_process(child_process&& other) noexcept : pid_(other.pid_) { other.pid_ = -1; }
  child_process& operator=(child_process&&) = delete;
  ~child_process() {
    if (pid_ > 0) kill();
  }

  pid_t pid() const noexcept { return pid_; }

  /// The exit status, or minus the signal that ended it.
  int wait() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  int kill() {
    ::kill(pid_, SIGKILL);
    return wait();
  }

 private:
  pid_t pid_;
};

/// Whether this process has children, running or not waited for.
inline bool has_children() {
  siginfo_t info{};
  return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/// Lets processes wait for each other: post() in one lets a wait() in another return.
class process_signal {
 public:
  process_signal() { (void)!::pipe(ends_); }
  process_signal(const process_signal&) = delete;
  process_signal& operator=(const process_signal&) = delete;
  ~process_signal() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  void post() const { (void)!::write(ends_[1], "x", 1); }
  void wait() const {
    char c = 0;
    (void)!::read(ends_[0], &c, 1);
  }

 private:
  int ends_[2] = {-1, -1};
};
