#pragma once
// What a thread waits for that sleeps in poll.

#include <utility>

#include "src/descriptor.hpp"

namespace larder::detail {

/// An eventfd, by which a worker wakes the process of the call, or a thread another one. io_error.
class wake_event {
 public:
  wake_event();
  /// The same one that another process has made.
  explicit wake_event(descriptor event) noexcept : event_(std::move(event)) {}

  int fd() const noexcept { return event_.fd(); }
  void post() const noexcept;
  /// Takes what was posted.
  void clear() const noexcept;

 private:
  descriptor event_;
};

}  // namespace larder::detail
