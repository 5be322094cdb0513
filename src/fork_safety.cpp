#include "src/fork_safety.hpp"

#include <atomic>

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "src/descriptor.hpp"
#include "src/spare_descriptors.hpp"

namespace larder::detail {
namespace {

// All are valid before the first constructor of the program and after the last destructor.
constinit std::mutex the_mutex;
// Guards the list, and is held while one is opened: which may take long, and keeps only others that open one waiting, and fork.
constinit std::mutex descriptors_mutex;
constinit unshared_descriptor* the_first = nullptr;

// Counted by the thread that forks, before memory is copied: the child has the new number, too.
constinit std::atomic<std::uint64_t> forks = 0;

// Written in the child alone, before anything else runs there.
constinit std::uint64_t depth = 0;

}  // namespace

/// In the child, whose one thread has the mutexes. Descriptors whose owners are threads of the parent stay where they lie,
/// closed; nobody comes back to them.
void close_inherited() noexcept {
  for (unshared_descriptor* each = the_first; each != nullptr; each = each->next_) {
    ::close(each->fd_);
    each->fd_ = -1;
    each->link_ = nullptr;
  }
  the_first = nullptr;
}

namespace {

// The thread that forks takes the mutexes before memory is copied, and both sides let them go again. Nobody else has both.
[[maybe_unused]] const int registered = ::pthread_atfork(
    [] {
      descriptors_mutex.lock();
      the_mutex.lock();
      forks.fetch_add(1, std::memory_order_relaxed);
    },
    [] {
      the_mutex.unlock();
      descriptors_mutex.unlock();
    },
    [] {
      ++depth;
      close_inherited();
      the_mutex.unlock();
      descriptors_mutex.unlock();
    });

}  // namespace

std::mutex& fork_safe_mutex() noexcept { return the_mutex; }

std::uint64_t fork_count() noexcept { return forks.load(std::memory_order_relaxed); }

std::uint64_t fork_depth() noexcept { return depth; }

int unshared_descriptor::open(int directory, const std::string& path, int flags, mode_t mode) noexcept {
  for (;;) {
    {
      // Under the mutex from the opening on: a child that is forked in between would keep it.
      const std::lock_guard lock(descriptors_mutex);
      fd_ = open_at_leaving_spares(directory, path, flags, mode);
      if (fd_ >= 0) {
        enlist();
        return fd_;
      }
    }
    const int fault = errno;
    if (close_spare_descriptors(fault)) continue;
    errno = fault;
    return -1;
  }
}

int unshared_descriptor::open_pipe(int& reading_end) noexcept {
  const std::lock_guard lock(descriptors_mutex);
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) return -1;
  reading_end = ends[0];
  fd_ = ends[1];
  enlist();
  return fd_;
}

void unshared_descriptor::enlist() noexcept {
  next_ = the_first;
  if (next_ != nullptr) next_->link_ = &next_;
  link_ = &the_first;
  the_first = this;
}

unshared_descriptor::~unshared_descriptor() {
  const std::lock_guard lock(descriptors_mutex);
  if (link_ == nullptr) return;
  *link_ = next_;
  if (next_ != nullptr) next_->link_ = link_;
  ::close(fd_);
}

}  // namespace larder::detail
