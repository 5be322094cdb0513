#include "cache/object_use.hpp"

#include <cerrno>
#include <csignal>
#include <optional>

#include <fcntl.h>
#include <sys/stat.h>
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
bool says_nothing(const io_error& e) noexcept {
  return e.errno_value() == EACCES || e.errno_value() == ELOOP || e.errno_value() == ENXIO;
}

/// Calls `then` with what the use of the file is found to be, and the file if it could be opened; leased, if it is unused.
template <class Then>
file_use with_lease(const std::string& path, Then then) {
  std::optional<descriptor> file;
  try {
    file = descriptor::open_if_exists(path, O_RDONLY | O_NOFOLLOW);
    if (!file) return file_use::absent;
  } catch (const io_error& e) {
    if (!says_nothing(e)) throw;
    return then(file_use::unknown, nullptr);
  }
  const lease held(*file);
  return then(held.use(), &*file);
}

}  // namespace

file_use use_of(const std::string& path) {
  return with_lease(path, [](file_use use, const descriptor*) { return use; });
}

file_use remove_unused(const std::string& path, removable which) {
  return with_lease(path, [&](file_use use, const descriptor* file) {
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
