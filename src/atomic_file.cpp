#include "src/atomic_file.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include <larder/error.hpp>

namespace larder::detail {
namespace {

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string temporary_name(const std::string& target) {
  std::uint64_t random = 0;
  if (::getrandom(&random, sizeof random, 0) != sizeof random)
    throw io_error(target, "cannot make a name", errno);
  std::array<char, 17> digits{};
  std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(random));
  const std::size_t slash = target.rfind('/');
  const std::size_t base = slash == std::string::npos ? 0 : slash + 1;
  // The name may be as long as the file system allows; the marker has to fit as well.
  return target.substr(0, base) + "." + target.substr(base, 200) + ".larder-" + digits.data();
}

/// What a symbolic link says, seen from the directory that it lies in. io_error.
std::string link_target(const std::string& link) {
  std::error_code fault;
  const std::filesystem::path target = std::filesystem::read_symlink(link, fault);
  if (fault) throw io_error(link, "cannot follow the link", fault.value());
  return (std::filesystem::path(link).parent_path() / target).string();
}

/// Where a file for `path` goes: through symbolic links to what they name, be it there or not. io_error where
/// something is there that a new file must not replace. `mode` becomes the permissions of what is there.
std::string resolve_target(const std::string& path, std::optional<mode_t>& mode) {
  constexpr int k_most_links = 40;  // as the kernel's own limit
  std::string target = path;
  for (int links = 0; links <= k_most_links; ++links) {
    struct ::stat status {};
    if (::lstat(target.c_str(), &status) != 0) {
      if (errno == ENOENT) return target;
      throw io_error(path, "cannot create", errno);
    }
    if (S_ISREG(status.st_mode)) {
      mode = status.st_mode & 0777;
      return target;
    }
    if (S_ISDIR(status.st_mode)) throw io_error(path, "cannot create", EISDIR);
    if (!S_ISLNK(status.st_mode)) throw io_error(path, "cannot replace what is not a regular file", EEXIST);
    target = link_target(target);
  }
  throw io_error(path, "cannot follow the link", ELOOP);
}

/// Links a nameless file to a new name. Returns 0 or an errno.
int link_descriptor(int fd, const std::string& name) noexcept {
  std::array<char, 32> source{};
  std::snprintf(source.data(), source.size(), "/proc/self/fd/%d", fd);
  if (::linkat(AT_FDCWD, source.data(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0) return 0;
  return errno;
}

}  // namespace

atomic_file::atomic_file(const std::string& path, mode_t mode) : file_(-1, path) {
  std::optional<mode_t> mode_there;
  target_ = resolve_target(path, mode_there);
  open(path, mode);
  if (mode_there && ::fchmod(file_.fd(), *mode_there) != 0)
    throw io_error(path, "cannot set the permissions", errno);
}

void atomic_file::open(const std::string& path, mode_t mode) {
  const std::string directory = directory_of(target_);
  // The link at commit goes through /proc; where there is none, a name is needed from the start.
  const bool can_link_later = ::access("/proc/self/fd", X_OK) == 0;
  if (can_link_later) {
    const int fd = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
    if (fd >= 0) {
      file_ = descriptor(fd, path);
      return;
    }
    const bool unsupported = errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL;
    if (!unsupported) throw io_error(path, "cannot create", errno);
  }
  named_ = temporary_name(target_);
  const int fd = ::open(named_.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, mode);
  if (fd < 0) {
    const int fault = errno;
    named_.clear();
    throw io_error(path, "cannot create", fault);
  }
  file_ = descriptor(fd, path);
}

atomic_file::atomic_file(atomic_file&& other) noexcept
    : target_(std::move(other.target_)),
      named_(std::exchange(other.named_, {})),
      file_(std::move(other.file_)) {}

atomic_file::~atomic_file() {
  if (!named_.empty()) ::unlink(named_.c_str());
}

void atomic_file::reserve(std::uint64_t bytes) const {
  int fault = 0;
  do {
    fault = ::posix_fallocate(file_.fd(), 0, static_cast<off_t>(bytes));
  } while (fault == EINTR);
  if (fault != 0)
    throw io_error(file_.path(), "cannot take " + std::to_string(bytes) + " bytes of space", fault);
}

void atomic_file::reserve_if_quick(std::uint64_t bytes) const {
  if (::fallocate(file_.fd(), 0, 0, static_cast<off_t>(bytes)) == 0) return;
  if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG) {
    throw io_error(file_.path(), "cannot take " + std::to_string(bytes) + " bytes of space", errno);
  }
}

void atomic_file::commit(bool durable, existing at_path) {
  if (durable) file_.sync();
  const auto fail = [&](int fault) { throw io_error(file_.path(), "cannot give the file its name", fault); };

  if (named_.empty()) {
    const int fault = link_descriptor(file_.fd(), target_);
    if (fault == EEXIST) {
      if (at_path == existing::keep) return;
      // A link cannot replace; a rename can, but needs a name to come from.
      std::string name = temporary_name(target_);
      if (const int again = link_descriptor(file_.fd(), name); again != 0) fail(again);
      named_ = std::move(name);
    } else if (fault != 0) {
      fail(fault);
    }
  } else if (at_path == existing::keep && ::access(target_.c_str(), F_OK) == 0) {
    return;
  }
  if (!named_.empty()) {
    if (::rename(named_.c_str(), target_.c_str()) != 0) fail(errno);
    named_.clear();
  }
  if (durable) descriptor::open(directory_of(target_), O_RDONLY | O_DIRECTORY).sync();
}

}  // namespace larder::detail
