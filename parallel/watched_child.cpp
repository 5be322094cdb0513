#include "parallel/watched_child.hpp"

#include <cerrno>
#include <csignal>
#include <utility>

#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <larder/error.hpp>

namespace larder::detail {
namespace {

// glibc declares these since 2.36, for C alone.
int pidfd_open(pid_t pid) noexcept { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U)); }
void pidfd_send_signal(int pidfd, int signal) noexcept {
  ::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0U);
}

}  // namespace

watched_child::watched_child(pid_t pid) : parent_(::getpid()), pid_(pid) {
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

watched_child::watched_child(watched_child&& other) noexcept
    : parent_(other.parent_), pid_(std::exchange(other.pid_, -1)), pidfd_(std::exchange(other.pidfd_, -1)) {}

watched_child& watched_child::operator=(watched_child&& other) noexcept {
  std::swap(parent_, other.parent_);
  std::swap(pid_, other.pid_);
  std::swap(pidfd_, other.pidfd_);
  return *this;
}

watched_child::~watched_child() {
  if (pid_ <= 0 || parent_ != ::getpid()) return;
  kill();
  end();
}

void watched_child::kill() const noexcept {
  if (pidfd_ >= 0) {
    pidfd_send_signal(pidfd_, SIGKILL);
  } else {
    ::kill(pid_, SIGKILL);
  }
}

std::optional<int> watched_child::end() noexcept {
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
