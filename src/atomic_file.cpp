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

constexpr const char* k_marker = ".larder-";  // in temporary names

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
  return target.substr(0, base) + "." + target.substr(base, 200) + k_marker + digits.data();
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

/// As open_fd. ext4 answers EPERM for a directory that is being removed: that is ENOENT, unless somebody made it anew.
int open_nameless(const std::string& directory, mode_t mode) noexcept {
  for (int attempts = 3;; --attempts) {
    const int fd = open_fd(directory, O_TMPFILE | O_RDWR, mode);
    if (fd >= 0 || errno != EPERM) return fd;
    if (::access(directory.c_str(), F_OK) != 0) return -1;  // with ENOENT
    if (attempts == 0) {
      errno = EPERM;
      return -1;
    }
  }
}

/// Links a nameless file to a new name. Returns 0 or an errno.
int link_descriptor(int fd, const std::string& name) noexcept {
  // Through the descriptor itself, where the kernel allows that: from 6.10 on, to whoever opened it.
  if (::linkat(fd, "", AT_FDCWD, name.c_str(), AT_EMPTY_PATH) == 0) return 0;
  if (errno == EEXIST) return errno;
  std::array<char, 32> source{};
  std::snprintf(source.data(), source.size(), "/proc/self/fd/%d", fd);
  if (::linkat(AT_FDCWD, source.data(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0) return 0;
  return errno;
}

}  // namespace

atomic_file::atomic_file(const std::string& path, mode_t mode, existing at_path)
    : target_(path), at_path_(at_path), file_(-1, path) {
  std::optional<mode_t> mode_there;
  if (at_path == existing::replace) target_ = resolve_target(path, mode_there);
  open(path, mode_there.value_or(mode));
  // The umask may have taken some away. A file system that has no permissions keeps what it has.
  if (mode_there) (void)!::fchmod(file_.fd(), *mode_there);
}

void atomic_file::open(const std::string& path, mode_t mode) {
  const std::string directory = directory_of(target_);
  // The link at commit goes through /proc; where there is none, a name is needed from the start.
  static const bool can_link_later = ::access("/proc/self/fd", X_OK) == 0;
  if (can_link_later) {
    const int fd = open_nameless(directory, mode);
    if (fd >= 0) {
      file_ = descriptor(fd, path);
      return;
    }
    const bool unsupported = errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL;
    if (!unsupported) throw io_error(path, "cannot create", errno);
  }
  named_ = temporary_name(target_);
  const int fd = open_fd(named_, O_CREAT | O_EXCL | O_RDWR, mode);
  if (fd < 0) {
    const int fault = errno;
    named_.clear();
    throw io_error(path, "cannot create", fault);
  }
  file_ = descriptor(fd, path);
}

atomic_file::atomic_file(atomic_file&& other) noexcept
    : target_(std::move(other.target_)),
      at_path_(other.at_path_),
      named_(std::exchange(other.named_, {})),
      file_(std::move(other.file_)) {}

atomic_file::~atomic_file() {
  if (!named_.empty()) ::unlink(named_.c_str());
}

bool atomic_file::is_temporary(std::string_view name) noexcept {
  const std::size_t marker = name.rfind(k_marker);
  if (!name.starts_with('.') || marker == std::string_view::npos) return false;
  const std::string_view digits = name.substr(marker + std::string_view(k_marker).size());
  return digits.size() == 16 && digits.find_first_not_of("0123456789abcdef") == std::string_view::npos;
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
  descriptor::open(directory_of(target_), O_RDONLY | O_DIRECTORY).sync();
}

int atomic_file::link_to(const std::string& name) const noexcept {
  if (named_.empty()) return link_descriptor(file_.fd(), name);
  return ::link(named_.c_str(), name.c_str()) == 0 ? 0 : errno;
}

/// What is there stays. Of a named file, the temporary name goes with the destructor.
void atomic_file::publish_new() {
  const int fault = link_to(target_);
  if (fault == 0 || fault == EEXIST) return;
  if (named_.empty()) refuse_name(fault);
  // A file system without nameless files may have no hard links either.
  if (::renameat2(AT_FDCWD, named_.c_str(), AT_FDCWD, target_.c_str(), RENAME_NOREPLACE) == 0) {
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
  if (::rename(named_.c_str(), target_.c_str()) != 0) refuse_name(errno);
  named_.clear();
}

void atomic_file::refuse_name(int fault) const {
  throw io_error(file_.path(), "cannot give the file its name", fault);
}

}  // namespace larder::detail
