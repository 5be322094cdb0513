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

#include "src/fork_safety.hpp"
#include "src/hex.hpp"

namespace larder::detail {
namespace {

constexpr const char* k_marker = ".larder-";  // in temporary names
constexpr std::size_t k_digits = 16;          // after it

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

/// A number that nobody else has: counted on from one by chance, which a child of fork draws anew.
std::uint64_t unique_number(const std::string& target) {
  constexpr std::uint64_t k_none = ~std::uint64_t{0};
  thread_local std::uint64_t drawn_at_depth = k_none;
  thread_local std::uint64_t next = 0;
  if (drawn_at_depth != fork_depth()) {
    if (::getrandom(&next, sizeof next, 0) != sizeof next)
      throw io_error(target, "cannot make a name", errno);
    drawn_at_depth = fork_depth();
  }
  return next++;
}

std::string temporary_name(const std::string& target) {
  std::string digits(k_digits, '0');
  put_hex(digits.data(), unique_number(target));
  const std::size_t slash = target.rfind('/');
  const std::size_t base = slash == std::string::npos ? 0 : slash + 1;
  // The name may be as long as the file system allows; the marker has to fit as well.
  return target.substr(0, base) + "." + target.substr(base, 200) + k_marker + digits;
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

/// As open_at. ext4 answers EPERM for a directory that is being removed, or was: that is ENOENT, unless somebody made it anew.
int open_nameless(int at, const std::string& directory, mode_t mode) noexcept {
  for (int attempts = 3;; --attempts) {
    const int fd = open_at(at, directory, O_TMPFILE | O_RDWR, mode);
    if (fd >= 0 || errno != EPERM) return fd;
    struct ::stat status {};
    if (::fstatat(at, directory.c_str(), &status, 0) != 0) return -1;  // with ENOENT
    const bool is_removed = status.st_nlink == 0;
    if (is_removed || attempts == 0) {
      errno = is_removed ? ENOENT : EPERM;
      return -1;
    }
  }
}

/// Links a nameless file to a new name. Returns 0 or an errno.
int link_descriptor(int fd, int at, const std::string& name) noexcept {
  // Through the descriptor itself, where the kernel allows that: from 6.10 on, to whoever opened it.
  if (::linkat(fd, "", at, name.c_str(), AT_EMPTY_PATH) == 0) return 0;
  if (errno == EEXIST) return errno;
  std::array<char, 32> source{};
  std::snprintf(source.data(), source.size(), "/proc/self/fd/%d", fd);
  if (::linkat(AT_FDCWD, source.data(), at, name.c_str(), AT_SYMLINK_FOLLOW) == 0) return 0;
  return errno;
}

}  // namespace

atomic_file::atomic_file(const new_file& place, mode_t mode, existing at_path, named when)
    : directory_(place.directory),
      target_(directory_ == AT_FDCWD ? place.path : place.path.substr(place.path.rfind('/') + 1)),
      at_path_(at_path),
      file_(-1, place.path) {
  std::optional<mode_t> mode_there;
  if (at_path == existing::replace) target_ = resolve_target(place.path, mode_there);
  open(mode_there.value_or(mode), when);
  // The umask may have taken some away. A file system that has no permissions keeps what it has.
  if (mode_there) (void)!::fchmod(file_.fd(), *mode_there);
}

void atomic_file::open(mode_t mode, named when) {
  // The link at commit goes through /proc; where there is none, a name is needed from the start.
  static const bool can_link_later = ::access("/proc/self/fd", X_OK) == 0;
  int fd = when == named::early ? open_named(mode) : -1;
  if (fd < 0) {
    if (can_link_later) fd = open_nameless(directory_, directory_of(target_), mode);
    const bool unsupported = !can_link_later || errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL;
    if (fd < 0 && unsupported) fd = open_named(mode);
  }
  if (fd < 0) throw io_error(file_.path(), "cannot create", errno);
  file_ = descriptor(fd, file_.path());
}

int atomic_file::open_named(mode_t mode) {
  std::string name = temporary_name(target_);
  const int fd = open_at(directory_, name, O_CREAT | O_EXCL | O_RDWR, mode);
  if (fd >= 0) {
    named_ = std::move(name);
  } else if (errno == EEXIST) {
    // Made here, and before it was open, somebody who removes what others have left took a lease on it.
    ::unlinkat(directory_, name.c_str(), 0);
    errno = EEXIST;
  }
  return fd;
}

atomic_file::atomic_file(atomic_file&& other) noexcept
    : directory_(other.directory_),
      target_(std::move(other.target_)),
      at_path_(other.at_path_),
      named_(std::exchange(other.named_, {})),
      file_(std::move(other.file_)) {}

atomic_file::~atomic_file() {
  if (!named_.empty()) ::unlinkat(directory_, named_.c_str(), 0);
}

bool atomic_file::is_temporary(std::string_view name) noexcept {
  const std::size_t marker = name.rfind(k_marker);
  if (!name.starts_with('.') || marker == std::string_view::npos) return false;
  const std::string_view digits = name.substr(marker + std::string_view(k_marker).size());
  return digits.size() == k_digits && is_hex(digits);
}

void atomic_file::commit(bool durable) {
  if (durable) sync();
  if (at_path_ == existing::keep) {
    publish_new();
  } else {
    publish_over();
  }
  if (durable) sync_name();
}

void atomic_file::sync_name() const {
  const std::string directory = directory_of(target_);
  const descriptor opened(open_at(directory_, directory, O_RDONLY | O_DIRECTORY, 0), directory);
  if (opened.fd() < 0) {
    const int fault = errno;
    if (file_.stat().st_nlink == 0) return;  // somebody has removed both since
    throw io_error(directory, "cannot open", fault);
  }
  opened.sync();
}

int atomic_file::link_to(const std::string& name) const noexcept {
  if (named_.empty()) return link_descriptor(file_.fd(), directory_, name);
  return ::linkat(directory_, named_.c_str(), directory_, name.c_str(), 0) == 0 ? 0 : errno;
}

/// What is there stays. Of a named file, the temporary name goes with the destructor.
void atomic_file::publish_new() {
  const int fault = link_to(target_);
  if (fault == 0 || fault == EEXIST) return;
  if (named_.empty()) refuse_name(fault);
  // A file system without nameless files may have no hard links either.
  if (::renameat2(directory_, named_.c_str(), directory_, target_.c_str(), RENAME_NOREPLACE) == 0) {
    named_.clear();
  } else if (errno != EEXIST) {
    refuse_name(errno);
  }
}

void atomic_file::publish_over() {
  if (named_.empty()) {
    const int fault = link_to(target_);
    if (fault == 0) return;
    if (fault != EEXIST) refuse_name(fault);
    // A link cannot replace; a rename can, but needs a name to come from.
    std::string name = temporary_name(target_);
    if (const int again = link_to(name); again != 0) refuse_name(again);
    named_ = std::move(name);
  }
  if (::renameat(directory_, named_.c_str(), directory_, target_.c_str()) != 0) refuse_name(errno);
  named_.clear();
}

void atomic_file::refuse_name(int fault) const {
  throw io_error(file_.path(), "cannot give the file its name", fault);
}

}  // namespace larder::detail
