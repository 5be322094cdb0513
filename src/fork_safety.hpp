#pragma once
// What fork must not tear: a mutex that no other thread holds in the child, descriptors that the child does not keep, and what belongs to
// the process that made it.

#include <cstdint>
#include <mutex>
#include <string>

#include <sys/types.h>

namespace larder::detail {

/// For short sections of bookkeeping, which call nothing of the user's. fork takes it first, so that in
/// the child, where other threads no longer exist, none of them is in the middle of one.
std::mutex& fork_safe_mutex() noexcept;

/// How often this process has forked, counting that by which it came to be. Equal numbers say that memory which could be
/// inherited in between was not; in a child they are never equal to those of before.
std::uint64_t fork_count() noexcept;

/// How many forks lie between this process and the one that the program began as. What was made under another number is not this
/// process's own: it was inherited.
std::uint64_t fork_depth() noexcept;

/// The process that something was made in: its child of fork, which inherits it, must not take it for its own.
class origin_process {
 public:
  bool is_this() const noexcept { return depth_ == fork_depth(); }

 private:
  const std::uint64_t depth_ = fork_depth();
};

/// A descriptor with a file description of its own, closed in children of fork at once: a lock on an open file
/// description would otherwise be held until the last child that inherited it is gone.
class unshared_descriptor {
 public:
  unshared_descriptor() = default;
  unshared_descriptor(const unshared_descriptor&) = delete;
  unshared_descriptor& operator=(const unshared_descriptor&) = delete;
  ~unshared_descriptor();

  /// Once, as openat(2), and open(2) with AT_FDCWD; -1 and errno.
  int open(int directory, const std::string& path, int flags, mode_t mode) noexcept;
  /// Once: the writing end of a new pipe, whose reading end, which children do keep, is the caller's. -1 and errno.
  int open_pipe(int& reading_end) noexcept;
  /// -1 where nothing is open, or this is a child of the process that opened it.
  int fd() const noexcept { return fd_; }

 private:
  friend void close_inherited() noexcept;

  /// Puts it on the list; under the mutex.
  void enlist() noexcept;

  int fd_ = -1;
  unshared_descriptor* next_ = nullptr;
  unshared_descriptor** link_ = nullptr;  // what points to this; null where it is in no list
};

}  // namespace larder::detail
