#pragma once
// An open file: its descriptor and the name that messages give it.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <sys/stat.h>
#include <sys/types.h>

namespace larder::detail {

/// Owns a descriptor; move-only. Every fault is an io_error that names the file. EINTR and short transfers are
/// dealt with.
class descriptor {
 public:
  /// For an open descriptor.
  descriptor(int fd, std::string path) noexcept : fd_(fd), path_(std::move(path)) {}
  descriptor(descriptor&& other) noexcept;
  descriptor& operator=(descriptor&& other) noexcept;
  ~descriptor();

  /// Close-on-exec. Does not wait for the other end of a pipe.
  static descriptor open(const std::string& path, int flags, mode_t mode = 0);
  /// Without a value where there is nothing at `path`.
  static std::optional<descriptor> open_if_exists(const std::string& path, int flags);

  int fd() const noexcept { return fd_; }
  /// Gives it away: it is the caller's to close.
  int release() && noexcept { return std::exchange(fd_, -1); }
  const std::string& path() const noexcept { return path_; }

  struct ::stat stat() const;

  /// Reads until `bytes` is full or the file ends; returns how much came.
  std::size_t read_at(std::span<std::byte> bytes, std::uint64_t offset) const;
  void write_at(std::span<const std::byte> bytes, std::uint64_t offset) const;
  /// At the current position.
  void write(std::span<const std::byte> bytes) const;
  /// Makes it this long; what is added is zero and takes no space yet.
  void resize(std::uint64_t bytes) const;
  /// Makes sure that the first `bytes` have their space on the device: a full disk shows here. Slow on file systems
  /// that can only do it by writing.
  void reserve(std::uint64_t bytes) const;
  /// The same as a mere hint, where the system does it quickly and writing is the faster for it.
  void reserve_if_quick(std::uint64_t bytes) const;
  /// fsync; file systems that have none are as they are.
  void sync() const;

 private:
  [[noreturn]] void fail(std::string_view action) const;

  int fd_;
  std::string path_;
};

/// open(2), close-on-exec and without waiting for the other end of a pipe; EINTR is dealt with, and where somebody has a lease on the
/// file, this waits for its end. -1 and errno.
int open_fd(const std::string& path, int flags, mode_t mode) noexcept;
/// openat(2), the same. Where there is no descriptor left, the spare ones are closed (src/spare_descriptors.hpp): not under fork_safe_mutex.
int open_at(int directory, const std::string& path, int flags, mode_t mode) noexcept;

/// Without that.
int open_at_leaving_spares(int directory, const std::string& path, int flags, mode_t mode) noexcept;

/// pwrite(2) of all of them; EINTR and short transfers are dealt with. False and errno where that fails.
bool write_all_at(int fd, std::span<const std::byte> bytes, std::uint64_t offset) noexcept;

/// The bytes of a text, for write.
inline std::span<const std::byte> text_bytes(std::string_view text) noexcept {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace larder::detail
