#pragma once
// What rows processes-* do, by hand: two children of fork that are woken through futexes, and descriptors that go to them and come back.

#include <cstddef>
#include <memory>

#include <larder/array.hpp>

namespace larder_bench::by_hand {

/// Whether who waits sleeps at once, or looks for some time first.
enum class waiting { asleep, looking };

/// Two children, each of which waits until it is woken, and wakes whoever asked.
class children {
 public:
  explicit children(waiting how);
  ~children();
  /// Wakes both, and waits until each has answered.
  void call();
  /// The same, and has each of them map so much of the file before it answers: its descriptor goes there, fstat, mmap.
  void map(int fd, std::size_t bytes);

 private:
  class pair;
  std::unique_ptr<pair> pair_;
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
/// was at making and filling.
double return_memory(std::size_t bytes);

/// Seconds of write() of these bytes to a new memfd.
double write_to_memfd(const larder::array<double>& a);

}  // namespace larder_bench::by_hand
