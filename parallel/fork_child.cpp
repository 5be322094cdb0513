#include "parallel/fork_child.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <typeinfo>

#include <stdio_ext.h>
#include <ext/stdio_sync_filebuf.h>

#include <unistd.h>

#include <larder/error.hpp>

namespace larder::detail {

// Mostly there is nothing to flush. To find that out touches fewer pages, each of which costs a child some microseconds.
void flush_output() noexcept {
  if (::__fpending(stdout) != 0) std::fflush(stdout);
  try {
    const auto* const buffer = std::cout.rdbuf();
    // Synchronised with stdio, as it is by default, it hands everything to stdout at once.
    const bool has_none = buffer == nullptr || typeid(*buffer) == typeid(__gnu_cxx::stdio_sync_filebuf<char>);
    if (!has_none) std::cout.flush();
  } catch (...) {  // a stream that is set to throw; nobody is there to be told
  }
}

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
