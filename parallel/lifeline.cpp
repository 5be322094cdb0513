#include "parallel/lifeline.hpp"

#include <cerrno>
#include <csignal>
#include <string>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <larder/error.hpp>

#include "src/descriptor.hpp"

namespace larder::detail {

lifeline::lifeline() {
  if (writing_end_.open_pipe(reading_end_) < 0) throw io_error("a pipe to children", "cannot create", errno);
}

lifeline::~lifeline() { ::close(reading_end_); }

bool hold_lifeline(int reading_end) noexcept {
  // Who is told is a property of the open file description, so each child opens one of its own. It stays open until the end.
  const std::string path = "/proc/self/fd/" + std::to_string(reading_end);
  const int own = open_fd(path, O_RDONLY, 0);
  if (own < 0 || ::fcntl(own, F_SETOWN, ::getpid()) != 0 || ::fcntl(own, F_SETSIG, SIGKILL) != 0 ||
      ::fcntl(own, F_SETFL, O_ASYNC | O_NONBLOCK) != 0) {
    // Without /proc: when the thread that forked ends, which is at its latest when the process does.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  }
  // What happened before is not told.
  pollfd end{reading_end, POLLIN, 0};
  return ::poll(&end, 1, 0) == 0;
}

}  // namespace larder::detail
