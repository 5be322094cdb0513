#pragma once
// What message_writer wrote, in the process that it was written for.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <larder/detail/travel.hpp>

#include "parallel/file_table.hpp"
#include "parallel/message_writer.hpp"
#include "parallel/shared_log.hpp"

namespace larder::detail {

/// How much data of results has come, and how.
struct bytes_received {
  std::uint64_t mapped = 0;
  std::uint64_t copied = 0;
};

/// An array that lies in the message, beside it, or in a file.
struct array_place {
  larder::dtype dtype;
  bool columns;
  std::vector<std::size_t> shape;
  std::size_t bytes;
  data_place place;
  const std::byte* inside;  // of the message
  std::uint64_t offset;     // in the log; in the buffer of a file
  // In a file:
  std::vector<std::ptrdiff_t> strides;
  std::uint64_t file;
  std::uint64_t buffer_offset;
  std::uint64_t buffer_bytes;
  mmap_mode writable_as;
};

/// Gives the values of one message back in their order. Arrays of more than `max_nbytes` are mappings of the log:
/// array<const T> of its pages, read-only; array<T> copy-on-write. So are those that lie in files, with the strides that they had;
/// array<T> is mapped as the message says. Others, and vectors, are copies. What another process wrote is
/// checked as far as memory safety goes: format_error; type_mismatch where another type is asked for than was written.
class message_reader final : public travel_reader, private value_source, private object_source {
 public:
  /// All live as long. Without a log, or without files, nothing may lie there.
  message_reader(shared_log* log, std::span<const std::byte> message, std::uint64_t max_nbytes,
                 bytes_received& received, file_table* files) noexcept
      : log_(log), left_(message), max_nbytes_(max_nbytes), received_(received), files_(files) {}

  void bytes(void* data, std::size_t count) override;
  /// A number that is about the message, and no data of a result.
  template <class T>
  T number() {
    T n;
    copy_next(&n, sizeof n);
    return n;
  }
  std::string text() { return std::string(text_view()); }
  value_source& value() override { return *this; }

  /// format_error where anything is left.
  void finish() const;
  /// What is left, as it lies in the message.
  std::span<const std::byte> take_rest() noexcept { return std::exchange(left_, {}); }
  /// What is left is not wanted.
  void skip_rest() noexcept { left_ = {}; }

 private:
  // value_source
  raw_array array(dtype expected, result_kind wanted) override;
  void elements(dtype expected, const placement& place) override;
  object_source& object(std::string_view type, std::uint32_t schema) override;

  // object_source
  std::span<const std::byte> stream() const noexcept override { return stream_; }
  raw_array array(std::uint32_t segment, dtype expected, result_kind wanted) override;
  void elements(std::uint32_t segment, dtype expected, const placement& place) override;
  void take_memory(std::uint64_t) override {}
  void give_memory(std::uint64_t) noexcept override {}
  void require_all_used() const override {}
  const std::string& path() const noexcept override;

  /// What was made of an array of the object so far.
  struct part {
    array_place place;
    std::optional<raw_array> read_only;
    std::optional<raw_array> writable;
  };

  void copy_next(void* data, std::size_t count);
  std::span<const std::byte> take(std::uint64_t count);
  std::string_view text_view();
  array_place place();
  void place_in_file(array_place& a);
  part& find(std::uint32_t segment, dtype expected);
  array_place sole_array(dtype expected);
  raw_array load(const array_place& from, result_kind wanted);
  raw_array map(const array_place& from, mmap_mode mode);
  void copy(const array_place& from, std::byte* out);
  [[noreturn]] void refuse(const std::string& detail) const;

  shared_log* log_;
  std::span<const std::byte> left_;
  std::uint64_t max_nbytes_;
  bytes_received& received_;
  file_table* files_;
  std::span<const std::byte> stream_;
  std::vector<part> parts_;
};

}  // namespace larder::detail
