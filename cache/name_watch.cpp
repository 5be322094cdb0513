#include "cache/name_watch.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <larder/error.hpp>

namespace larder::detail {

name_watch::name_watch(const std::string& directory)
    : inotify_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK), directory) {
  if (inotify_.fd() < 0) {
    throw io_error(directory, "cannot watch (the limit is /proc/sys/fs/inotify/max_user_instances)", errno);
  }
  // What is published comes by a link, or is renamed.
  constexpr std::uint32_t k_what =
      IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_MOVED_FROM | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
  if (::inotify_add_watch(inotify_.fd(), directory.c_str(), k_what) < 0)
    throw io_error(directory, "cannot watch", errno);
}

std::optional<name_watch::event> name_watch::next(const deadline& until) {
  for (;;) {
    if (begin_ == end_) {
      const ssize_t count = ::read(inotify_.fd(), events_.data(), events_.size());
      if (count > 0) {
        begin_ = 0;
        end_ = static_cast<std::size_t>(count);
      } else if (count < 0 && errno != EAGAIN && errno != EINTR) {
        throw io_error(inotify_.path(), "cannot watch", errno);
      } else if (!wait(until)) {
        return std::nullopt;
      }
      continue;
    }
    inotify_event head{};
    std::memcpy(&head, events_.data() + begin_, sizeof head);
    const char* const name = reinterpret_cast<const char*>(events_.data() + begin_ + sizeof head);
    begin_ += sizeof head + head.len;
    if ((head.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED)) != 0)
      throw io_error(inotify_.path(), "was removed while it was watched", ENOENT);
    if ((head.mask & IN_Q_OVERFLOW) != 0) return event{{}, change::appeared};
    const bool came = (head.mask & (IN_CREATE | IN_MOVED_TO)) != 0;
    return event{head.len == 0 ? "" : name, came ? change::appeared : change::went};
  }
}

/// False at the deadline.
bool name_watch::wait(const deadline& until) const {
  ::pollfd poll{.fd = inotify_.fd(), .events = POLLIN, .revents = 0};
  for (;;) {
    int milliseconds = -1;
    if (until) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(*until - std::chrono::steady_clock::now()).count();
      if (left <= 0) return false;
      milliseconds = static_cast<int>(std::min<std::int64_t>(left, std::numeric_limits<int>::max()));
    }
    const int ready = ::poll(&poll, 1, milliseconds);
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) throw io_error(inotify_.path(), "cannot wait", errno);
  }
}

}  // namespace larder::detail
