#include "src/descriptor.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <larder/error.hpp>

#include "src/spare_descriptors.hpp"

namespace larder::detail {
namespace {

// The kernel moves at most 2 GiB - 4 KiB per call.
constexpr std::size_t k_most_per_call = std::size_t{1} << 30;

/// Calls transfer(bytes, done) until all is moved or it returns 0; returns how much was. -1 stays -1.
template <class Bytes, class Transfer>
ssize_t move_all(Bytes bytes, Transfer transfer) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = transfer(bytes.subspan(done, std::min(k_most_per_call, bytes.size() - done)), done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    if (n == 0) {
      errno = ENOSPC;  // of a write; for a read it is the end of the file
      break;
    }
    done += static_cast<std::size_t>(n);
  }
  return static_cast<ssize_t>(done);
}

}  // namespace

int open_fd(const std::string& path, int flags, mode_t mode) noexcept {
  return open_at(AT_FDCWD, path, flags, mode);
}

int open_at(int directory, const std::string& path, int flags, mode_t mode) noexcept {
  for (;;) {
    const int fd = open_at_leaving_spares(directory, path, flags, mode);
    if (fd >= 0) return fd;
    const int fault = errno;
    if (close_spare_descriptors(fault)) continue;
    errno = fault;
    return -1;
  }
}

int open_at_leaving_spares(int directory, const std::string& path, int flags, mode_t mode) noexcept {
  int waiting = O_NONBLOCK;
  for (;;) {
    const int fd = ::openat(directory, path.c_str(), flags | O_CLOEXEC | O_NOCTTY | waiting, mode);
    if (fd >= 0) return fd;
    if (errno == EWOULDBLOCK && waiting != 0) {
      waiting = 0;  // a file on which somebody has a lease: for a moment, or until the system takes it away
    } else if (errno != EINTR) {
      return -1;
    }
  }
}

bool write_all_at(int fd, std::span<const std::byte> bytes, std::uint64_t offset) noexcept {
  const ssize_t n = move_all(bytes, [&](std::span<const std::byte> part, std::size_t done) {
    return ::pwrite(fd, part.data(), part.size(), static_cast<off_t>(offset + done));
  });
  return n == static_cast<ssize_t>(bytes.size());
}

descriptor::descriptor(descriptor&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}

descriptor& descriptor::operator=(descriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(path_, other.path_);
  return *this;
}

descriptor::~descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

descriptor descriptor::open(const std::string& path, int flags, mode_t mode) {
  const int fd = open_fd(path, flags, mode);
  if (fd < 0) throw io_error(path, "cannot open", errno);
  return {fd, path};
}

std::optional<descriptor> descriptor::open_if_exists(const std::string& path, int flags) {
  const int fd = open_fd(path, flags, 0);
  if (fd >= 0) return descriptor(fd, path);
  if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
  throw io_error(path, "cannot open", errno);
}

struct ::stat descriptor::stat() const {
  struct ::stat status {};
  if (::fstat(fd_, &status) != 0) fail("cannot read the status");
  return status;
}

std::size_t descriptor::read_at(std::span<std::byte> bytes, std::uint64_t offset) const {
  const ssize_t n = move_all(bytes, [&](std::span<std::byte> part, std::size_t done) {
    return ::pread(fd_, part.data(), part.size(), static_cast<off_t>(offset + done));
  });
  if (n < 0) fail("cannot read");
  return static_cast<std::size_t>(n);
}

void descriptor::write_at(std::span<const std::byte> bytes, std::uint64_t offset) const {
  if (!write_all_at(fd_, bytes, offset)) fail("cannot write");
}

void descriptor::write(std::span<const std::byte> bytes) const {
  const ssize_t n = move_all(bytes, [&](std::span<const std::byte> part, std::size_t) {
    return ::write(fd_, part.data(), part.size());
  });
  if (n != static_cast<ssize_t>(bytes.size())) fail("cannot write");
}

void descriptor::resize(std::uint64_t bytes) const {
  int result = 0;
  do {
    result = ::ftruncate(fd_, static_cast<off_t>(bytes));
  } while (result != 0 && errno == EINTR);
  if (result != 0) fail("cannot make it " + std::to_string(bytes) + " bytes long");
}

void descriptor::reserve(std::uint64_t bytes) const {
  // Piece by piece: where a signal comes, a system may begin again, and would never end beside a timer.
  constexpr std::uint64_t k_piece = 16 << 20;
  for (std::uint64_t done = 0; done < bytes; done += k_piece) {
    const std::uint64_t size = std::min(k_piece, bytes - done);
    do {
      errno = ::posix_fallocate(fd_, static_cast<off_t>(done), static_cast<off_t>(size));
    } while (errno == EINTR);
    if (errno != 0) fail("cannot take " + std::to_string(bytes) + " bytes of space");
  }
}

void descriptor::reserve_if_quick(std::uint64_t bytes) const {
  // tmpfs makes every page here and finds it again when it is written to: writing alone was 2 to 13 % faster.
  struct ::statfs system {};
  if (::fstatfs(fd_, &system) == 0 && system.f_type == TMPFS_MAGIC) return;
  if (::fallocate(fd_, 0, 0, static_cast<off_t>(bytes)) == 0) return;
  if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG) {
    fail("cannot take " + std::to_string(bytes) + " bytes of space");
  }
}

void descriptor::sync() const {
  int result = 0;
  do {
    result = ::fsync(fd_);
  } while (result != 0 && errno == EINTR);
  if (result != 0 && errno != EINVAL) fail("cannot write to the medium");
}

void descriptor::fail(std::string_view action) const { throw io_error(path_, action, errno); }

}  // namespace larder::detail
