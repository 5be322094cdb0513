#pragma once
// Bytes that one process appends and another one reads while they come: messages, and beside them the data of large arrays, which
// the reader can map instead of copying.
//
//   const auto log = std::make_shared<shared_log>();        // before the fork
//   log_writer writer(log->fd());  writer.append(message);  // in the child; then it tells the other one writer.end()
//   log_reader reader(log);  reader.next(end);              // in the parent

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <larder/detail/raw_array.hpp>
#include <larder/mmap_mode.hpp>

#include "src/descriptor.hpp"

namespace larder::detail {

/// A memfd. What lies in it: entries one after the other, each a head of 16 bytes (its kind, and how many bytes it has after the
/// head) and a message, up to a multiple of 16 bytes; or zeros up to the next page and the data of an array, up to a multiple of
/// pages. io_error where the system refuses.
class shared_log {
 public:
  shared_log();
  /// The same one that another process has made, whose descriptor this is.
  explicit shared_log(descriptor file) noexcept;
  ~shared_log();
  shared_log(const shared_log&) = delete;
  shared_log& operator=(const shared_log&) = delete;

  int fd() const noexcept { return file_.fd(); }

  std::uint64_t size() const { return static_cast<std::uint64_t>(file_.stat().st_size); }

  /// format_error where the log is shorter.
  void read(std::span<std::byte> out, std::uint64_t offset) const;
  /// Maps data of an array: `read`, or `copy_on_write`. When the last owner lets them go, their memory is free again. Null where the
  /// system has no room for another mapping.
  std::shared_ptr<const buffer> map(std::uint64_t offset, std::size_t bytes, mmap_mode mode);
  /// Frees the memory of whole pages within.
  void give_back(std::uint64_t offset, std::uint64_t bytes) const noexcept;

 private:
  class space;

  descriptor file_;
  std::shared_ptr<space> space_;
};

/// The side that appends; one thread of one process, whose descriptor it is that lives as long.
class log_writer {
 public:
  explicit log_writer(int fd) noexcept : fd_(fd) {}
  ~log_writer();
  log_writer(const log_writer&) = delete;
  log_writer& operator=(const log_writer&) = delete;

  /// io_error where there is no memory; the log is then as before.
  void append(std::span<const std::byte> message);
  /// The elements in row-major order; at least one. Returns where they lie, on a page boundary.
  std::uint64_t append_data(const raw_array& a);

  /// Up to here all is written. The reader may look at it as soon as it has got this number by something that releases and
  /// acquires.
  std::uint64_t end() const noexcept { return end_; }

 private:
  /// Memory of the log from end() on.
  std::byte* room(std::size_t bytes);
  void write(std::span<const std::byte> bytes, std::uint64_t offset) const;

  int fd_;
  std::uint64_t end_ = 0;
  unsigned small_ = 0;  // messages that were written without the window
  // The part of the log that is mapped. Its memory was taken before: touching it cannot fail.
  std::byte* window_ = nullptr;
  std::uint64_t window_begin_ = 0;
  std::size_t window_bytes_ = 0;
};

/// The side that reads.
class log_reader {
 public:
  explicit log_reader(std::shared_ptr<shared_log> log) noexcept : log_(std::move(log)) {}

  /// The next message before `end`; it is there until the next call. Without a value where there is none. What was read is given
  /// back to the system, except for the data of arrays.
  std::optional<std::span<const std::byte>> next(std::uint64_t end);

  /// How far it has come.
  std::uint64_t position() const noexcept { return position_; }
  shared_log& log() const noexcept { return *log_; }

 private:
  std::span<const std::byte> fetch(std::size_t bytes, std::uint64_t end);
  /// What lies from position_ on.
  void copy(std::span<std::byte> out);
  bool see(std::size_t bytes);
  void give_back();

  std::shared_ptr<shared_log> log_;
  std::uint64_t position_ = 0;
  std::uint64_t kept_from_ = 0;  // messages before were given back
  std::vector<std::byte> bytes_;
  std::uint64_t bytes_at_ = 0;  // where bytes_ lie in the log
  unsigned read_ = 0;           // calls that read without the window
  // A part of the log that is mapped. Beyond the end of the log, which is known to be there up to `size_`, touching it would be a signal.
  struct unmap {
    void operator()(std::byte* window) const noexcept;
  };
  std::unique_ptr<std::byte, unmap> window_;
  std::uint64_t window_begin_ = 0;
  std::uint64_t size_ = 0;
};

}  // namespace larder::detail
