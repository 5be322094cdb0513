#pragma once
// Memory that this process and its children have in common.

#include <cerrno>
#include <cstddef>

#include <sys/mman.h>

#include <larder/error.hpp>

namespace larder::detail {

class shared_block {
 public:
  /// Zeroed, for children of fork. io_error where there is none.
  explicit shared_block(std::size_t bytes)
      : bytes_(bytes),
        data_(::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    if (data_ == MAP_FAILED) throw io_error("memory shared with children", "cannot map", errno);
  }
  /// That of a file which others map, too. Of at least so many bytes.
  shared_block(int fd, std::size_t bytes)
      : bytes_(bytes), data_(::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) {
    if (data_ == MAP_FAILED) throw io_error("memory shared with a worker", "cannot map", errno);
  }
  ~shared_block() { ::munmap(data_, bytes_); }
  shared_block(const shared_block&) = delete;
  shared_block& operator=(const shared_block&) = delete;

  std::byte* data() const noexcept { return static_cast<std::byte*>(data_); }

 private:
  std::size_t bytes_;
  void* data_;
};

}  // namespace larder::detail
