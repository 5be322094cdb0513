#pragma once
// The names that come and go in a directory, as they do (inotify).
//
//   name_watch watch(directory);
//   if (!is_there()) while (const auto seen = watch.next(deadline)) ...

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "src/descriptor.hpp"

namespace larder::detail {

class name_watch {
 public:
  enum class change { appeared, went };
  struct event {
    std::string file;
    change what;
  };
  using deadline = std::optional<std::chrono::steady_clock::time_point>;

  /// Sees what happens from now on. io_error.
  explicit name_watch(const std::string& directory);

  /// Waits for the next; without one at the deadline. Where so much happened that the system lost some of it, an event without a file
  /// says so. io_error, ENOENT where the directory was removed.
  std::optional<event> next(const deadline& until);

 private:
  bool wait(const deadline& until) const;

  descriptor inotify_;
  alignas(8) std::array<std::byte, 4096> events_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace larder::detail
