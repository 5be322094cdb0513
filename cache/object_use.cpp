#include "cache/object_use.hpp"

#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <larder/error.hpp>

#include "cache/object_catalog.hpp"
#include "src/descriptor.hpp"

namespace larder::detail {
namespace {

/// A write lease on a file: as long as it is held, whoever opens the file waits.
class lease {
 public:
  explicit lease(const descriptor& file) noexcept : file_(file), use_(take(file)) {}
  /// Not left to the end of the descriptor, which a child of fork may have, too.
  ~lease() {
    if (use_ == file_use::unused) (void)::fcntl(file_.fd(), F_SETLEASE, F_UNLCK);
  }
  lease(const lease&) = delete;
  lease& operator=(const lease&) = delete;

  /// `unused` where it is held.
  file_use use() const noexcept { return use_; }

 private:
  static file_use take(const descriptor& file) noexcept {
    // There a lease is given whoever has the file mapped.
    struct ::statfs system {};
    if (::fstatfs(file.fd(), &system) != 0 || system.f_type == OVERLAYFS_SUPER_MAGIC)
      return file_use::unknown;
    // Who opens a leased file is held up, and this process is sent a signal: one that is ignored if nobody asks for it, instead of
    // SIGIO, which ends programs.
    if (::fcntl(file.fd(), F_SETSIG, SIGURG) != 0) return file_use::unknown;
    if (::fcntl(file.fd(), F_SETLEASE, F_WRLCK) == 0) return file_use::unused;
    return errno == EAGAIN ? file_use::used : file_use::unknown;
  }

  const descriptor& file_;
  file_use use_;
};

/// What cannot be opened is of an unknown use: a file that may not be read any more, or what is no file.
bool says_nothing(int fault) noexcept { return fault == EACCES || fault == ELOOP || fault == ENXIO; }

enum class when_leased { wait, is_used };

/// Calls `then` with what the use of the file is found to be, and the file if it could be opened; leased, if it is unused.
template <class Then>
file_use with_lease(const std::string& path, when_leased by_others, Then then) {
  constexpr int k_flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC;
  int fd = -1;
  do {
    fd = ::open(path.c_str(), k_flags | O_NONBLOCK);
    if (fd < 0 && errno == EWOULDBLOCK && by_others == when_leased::wait) fd = ::open(path.c_str(), k_flags);
  } while (fd < 0 && errno == EINTR);
  const descriptor file(fd, path);
  if (fd >= 0) {
    const lease held(file);
    return then(held.use(), &file);
  }
  if (errno == ENOENT || errno == ENOTDIR) return file_use::absent;
  if (errno == EWOULDBLOCK) return then(file_use::used, nullptr);
  if (says_nothing(errno)) return then(file_use::unknown, nullptr);
  throw io_error(path, "cannot open", errno);
}

}  // namespace

file_use use_of(const std::string& path) {
  return with_lease(path, when_leased::wait, [](file_use use, const descriptor*) { return use; });
}

file_use remove_unused(const std::string& path, removable which) {
  // Not waiting for somebody who may be stopped: others wait for this.
  return with_lease(path, when_leased::is_used, [&](file_use use, const descriptor* file) {
    if (use == file_use::used || (use == file_use::unknown && which == removable::left_behind)) return use;
    // Pinned since somebody looked: who pins it opens it, and so did it before this, or will see that it is gone.
    if (which == removable::object && file != nullptr && (file->stat().st_mode & k_pinned_bit) != 0)
      return file_use::used;
    if (::unlink(path.c_str()) == 0) return use;
    if (errno != ENOENT) throw io_error(path, "cannot remove", errno);
    return file_use::absent;
  });
}

}  // namespace larder::detail
