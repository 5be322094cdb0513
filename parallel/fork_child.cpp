#include "parallel/fork_child.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>

#include <unistd.h>

#include <larder/error.hpp>

#include "parallel/flush_output.hpp"

namespace larder::detail {

namespace {

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

watched_child fork_child(const lifeline& line, function_ref<void() noexcept> body) {
  flush_output();
  const signals_blocked blocked;
  const pid_t pid = ::fork();
  if (pid == 0) run_child(line, blocked, body);
  if (pid < 0) throw io_error("a child of this process", "cannot start", errno);
  return watched_child(pid);
}

}  // namespace larder::detail
