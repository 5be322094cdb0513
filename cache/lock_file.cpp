#include "cache/lock_file.hpp"

#include <algorithm>
#include <cerrno>
#include <thread>

#include <fcntl.h>
#include <sys/stat.h>

#include <larder/error.hpp>

#include "cache/entry_directory.hpp"

namespace larder::detail {
namespace {

constexpr int k_flags = O_RDWR | O_NOFOLLOW;

/// 0 or an errno. EINTR is dealt with.
int set_lock(int fd, int command, std::uint64_t byte, short type, off_t length = 1) noexcept {
  struct ::flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(byte);
  lock.l_len = length;
  while (::fcntl(fd, command, &lock) != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

lock_file::result result_of(int fault) noexcept {
  if (fault == 0) return lock_file::result::locked;
  return fault == EAGAIN || fault == EACCES ? lock_file::result::busy : lock_file::result::unsupported;
}

short type_of(lock_file::kind k) noexcept { return k == lock_file::kind::shared ? F_RDLCK : F_WRLCK; }

}  // namespace

lock_file::lock_file(const cache_directory& directory, absent where_missing) {
  const std::string path = directory.location + "/" + k_lock_file;
  const mode_t mode = directory.group_shared ? 0660 : 0600;
  const auto open = [&](int more_flags) {
    const bool opened = descriptor_.open(AT_FDCWD, path, k_flags | more_flags, mode) >= 0;
    fault_ = opened ? 0 : errno;
    if (opened) note_identity();
    return opened;
  };
  if (open(0) || fault_ != ENOENT || where_missing == absent::leave) return;
  if (!open(O_CREAT)) {
    if (fault_ != ENOENT || where_missing == absent::make_file) return;
    try {
      make_location(directory);
    } catch (const error&) {
      return;  // storing will say so
    }
    if (!open(O_CREAT)) return;
  }
  // The umask may have taken the group's part away.
  if (directory.group_shared) (void)!::fchmod(descriptor_.fd(), mode);
}

lock_file::lock_file(int directory) {
  if (descriptor_.open(directory, k_lock_file, k_flags, 0) < 0) {
    fault_ = errno;
  } else {
    note_identity();
  }
}

void lock_file::note_identity() noexcept {
  struct ::stat status {};
  if (::fstat(fd(), &status) != 0) return;
  device_ = status.st_dev;
  inode_ = status.st_ino;
}

bool lock_file::lies_in(const std::string& location) const noexcept {
  struct ::stat there {};
  return ::stat((location + "/" + k_lock_file).c_str(), &there) == 0 && there.st_ino == inode_ &&
         there.st_dev == device_;
}

bool lock_file::is_removed() const noexcept {
  struct ::stat status {};
  return ::fstat(fd(), &status) != 0 || status.st_nlink == 0;
}

lock_file::result lock_file::try_lock(std::uint64_t byte, kind k) const noexcept {
  return result_of(set_lock(fd(), F_OFD_SETLK, byte, type_of(k)));
}

lock_file::result lock_file::lock(std::uint64_t byte, kind k, const deadline& until) const noexcept {
  if (!until) return result_of(set_lock(fd(), F_OFD_SETLKW, byte, type_of(k)));
  // The kernel has no lock that waits for a time: it is asked again, less and less often.
  constexpr auto k_longest_pause = std::chrono::milliseconds(20);
  std::chrono::steady_clock::duration pause = std::chrono::microseconds(100);
  for (;;) {
    const result tried = try_lock(byte, k);
    const auto now = std::chrono::steady_clock::now();
    if (tried != result::busy || now >= *until) return tried;
    std::this_thread::sleep_for(std::min(pause, *until - now));
    pause = std::min<std::chrono::steady_clock::duration>(2 * pause, k_longest_pause);
  }
}

bool lock_file::unlock(std::uint64_t byte) const noexcept {
  return set_lock(fd(), F_OFD_SETLK, byte, F_UNLCK) == 0;
}

bool lock_file::unlock_all() const noexcept {
  constexpr off_t k_to_the_end = 0;
  return set_lock(fd(), F_OFD_SETLK, 0, F_UNLCK, k_to_the_end) == 0;
}

std::uint64_t lock_byte(const digest& key) noexcept {
  constexpr std::uint64_t k_first = 1024;
  return k_first + (key.low & ((std::uint64_t{1} << 62) - 1));
}

}  // namespace larder::detail
