#include "cache/object_use.hpp"

#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <unistd.h>

#include <larder/error.hpp>

#include "src/descriptor.hpp"

namespace larder::detail {
namespace {

/// A lease, if it is given, is held until the descriptor is closed.
file_use use_of(const descriptor& file) noexcept {
  // Who opens a leased file is held up, and this process is sent a signal: one that is ignored if nobody asks for it, instead of SIGIO,
  // which ends programs.
  if (::fcntl(file.fd(), F_SETSIG, SIGURG) != 0) return file_use::unknown;
  if (::fcntl(file.fd(), F_SETLEASE, F_WRLCK) == 0) return file_use::unused;
  return errno == EAGAIN ? file_use::used : file_use::unknown;
}

}  // namespace

file_use use_of(const std::string& path) {
  const auto file = descriptor::open_if_exists(path, O_RDONLY | O_NOFOLLOW);
  return file ? use_of(*file) : file_use::absent;
}

file_use remove_unused(const std::string& path, where_unknown what_to_do) {
  const auto file = descriptor::open_if_exists(path, O_RDONLY | O_NOFOLLOW);
  if (!file) return file_use::absent;
  const file_use use = use_of(*file);
  if (use == file_use::used || (use == file_use::unknown && what_to_do == where_unknown::keep)) return use;
  if (::unlink(path.c_str()) == 0) return use;
  if (errno != ENOENT) throw io_error(path, "cannot remove", errno);
  return file_use::absent;
}

}  // namespace larder::detail
