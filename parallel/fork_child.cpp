#include "parallel/fork_child.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <larder/error.hpp>

namespace larder::detail {

void flush_output() noexcept {
  std::fflush(stdout);
  try {
    std::cout.flush();
  } catch (...) {  // a stream that is set to throw; nobody is there to be told
  }
}

namespace {

// glibc declares these since 2.36, for C alone.
int pidfd_open(pid_t pid) noexcept { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U)); }
void pidfd_send_signal(int pidfd, int signal) noexcept {
  ::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0U);
}

/// Signals wait while it lives: one that comes just after the fork finds the child's SIGINT set up.
class signals_blocked {
 public:
  signals_blocked() noexcept {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~signals_blocked() { restore(); }
  void restore() const noexcept { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

[[noreturn]] void run_child(const lifeline& line, const signals_blocked& blocked,
                            const function_ref<void() noexcept>& body) noexcept {
  std::signal(SIGINT, SIG_IGN);
  if (!line.hold()) ::_exit(1);
  blocked.restore();
  // Handlers run in the reverse order of their registration, so this one is first, and the parent's do not run.
  ::on_exit([](int status, void*) { ::_exit(status); }, nullptr);
  body();
  flush_output();
  ::_exit(0);
}

}  // namespace

fork_child::fork_child(const lifeline& line, function_ref<void() noexcept> body) : parent_(::getpid()) {
  flush_output();
  const signals_blocked blocked;
  pid_ = ::fork();
  if (pid_ == 0) run_child(line, blocked, body);
  if (pid_ < 0) throw io_error("a child of this process", "cannot start", errno);
  // The number is still the child's own, unless somebody else has waited for it (or the program ignores SIGCHLD), and it has ended
  // already: then this is something that can be read from at once.
  pidfd_ = pidfd_open(pid_);
  if (pidfd_ < 0 && errno == ESRCH) pidfd_ = ::eventfd(1, EFD_CLOEXEC);
  if (pidfd_ < 0) {
    const int errno_value = errno;
    kill();
    end();
    throw io_error("a child of this process", "cannot watch", errno_value);
  }
}

fork_child::fork_child(fork_child&& other) noexcept
    : parent_(other.parent_), pid_(std::exchange(other.pid_, -1)), pidfd_(std::exchange(other.pidfd_, -1)) {}

fork_child& fork_child::operator=(fork_child&& other) noexcept {
  std::swap(parent_, other.parent_);
  std::swap(pid_, other.pid_);
  std::swap(pidfd_, other.pidfd_);
  return *this;
}

fork_child::~fork_child() {
  if (pid_ <= 0 || parent_ != ::getpid()) return;
  kill();
  end();
}

void fork_child::kill() const noexcept {
  if (pidfd_ >= 0) {
    pidfd_send_signal(pidfd_, SIGKILL);
  } else {
    ::kill(pid_, SIGKILL);
  }
}

std::optional<int> fork_child::end() noexcept {
  siginfo_t info{};
  int result = 0;
  do {
    result = pidfd_ >= 0 ? ::waitid(P_PIDFD, static_cast<id_t>(pidfd_), &info, WEXITED)
                         : ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED);
  } while (result != 0 && errno == EINTR);
  pid_ = -1;
  if (pidfd_ >= 0) ::close(std::exchange(pidfd_, -1));
  if (result != 0) return std::nullopt;
  // As waitpid has it: the status above the lowest byte, or the signal in it.
  return info.si_code == CLD_EXITED ? (info.si_status & 0xFF) << 8 : info.si_status & 0x7F;
}

}  // namespace larder::detail
