#pragma once
// What rows processes-* do, by hand: two children of fork that are woken through futexes, and descriptors that go to them and come back.

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>

#include <larder/array.hpp>

#include "parallel/descriptor_message.hpp"

namespace larder_bench::by_hand {

/// Whether who waits sleeps at once, or looks for some time first.
enum class waiting { asleep, looking };

/// A child of fork that does the same each time that it is asked, and answers.
class child {
 public:
  /// Called in the child with its end of a socket.
  using action = std::function<void(int socket)>;

  child(const action& act, waiting how);
  ~child();
  child(const child&) = delete;
  child& operator=(const child&) = delete;

  /// The parent's end.
  int socket() const noexcept { return sockets_.ours.fd(); }
  void ask();
  void wait_for_answer();

 private:
  struct words;
  void wait(const std::atomic<std::uint32_t>& word, std::uint32_t seen) const;

  larder::detail::socket_pair sockets_;
  words* words_;
  waiting how_;
  pid_t pid_;
  std::uint32_t answers_ = 0;
};

/// Two of them.
class children {
 public:
  explicit children(waiting how);
  /// Wakes both, and waits until each has answered.
  void call();
  /// The same, and has each of them map so much of the file before it answers: its descriptor goes there, fstat, mmap.
  void map(int fd, std::size_t bytes);

 private:
  std::array<child, 2> both_;
};

/// Memory that others can map, filled.
class filled_memory {
 public:
  explicit filled_memory(std::size_t bytes);
  ~filled_memory();
  filled_memory(const filled_memory&) = delete;
  filled_memory& operator=(const filled_memory&) = delete;
  int fd() const noexcept { return fd_; }

 private:
  std::size_t bytes_;
  int fd_;
  void* data_;
};

/// A child that is woken makes and fills such memory and sends its descriptor, and its parent, which sleeps meanwhile, maps it. In seconds, without those that the child
/// was at making and filling. It has done so once before.
double return_memory(std::size_t bytes);

/// Seconds of writing these numbers to a new memfd, by pwrite().
double write_to_memfd(const larder::array<double>& a);

}  // namespace larder_bench::by_hand
