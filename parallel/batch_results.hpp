#pragma once
// The results of a batch in a worker process, on their way to its parent.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "parallel/result_channel.hpp"

namespace larder::detail {

/// Results that are complete, and not in the log yet: it is faster to write many there at a time. When the worker dies, its parent finds
/// them here. In memory that both share; the worker writes.
struct result_stage {
  static constexpr std::size_t k_bytes = std::size_t{32} << 10;

  std::atomic<std::uint64_t> begin = 0;  // those of the tasks [begin, end) of the batch,
  std::atomic<std::uint64_t> end = 0;    // of which it has said how far it is after all else
  std::atomic<std::uint64_t> bytes = 0;  // are so many
  std::array<std::byte, k_bytes> data;
};

/// One task after the other: their results are published, or staged, as soon as each is written.
class batch_results {
 public:
  batch_results(result_publisher& to, result_stage& stage) noexcept : to_(to), stage_(stage) {}

  /// Begins with this task of the next batch.
  void begin(std::size_t task) noexcept;

  /// Writes the result of the tasks up to `end`, by write(message_writer&). What that throws leaves the results before as they are.
  template <class Write>
  void add(std::size_t end, Write write) {
    if (begin_ == end_) to_.results(begin_, begin_);
    message_writer& message = to_.message();
    const std::size_t before = message.so_far().size();
    try {
      write(message);
    } catch (...) {
      undo(before);
      throw;
    }
    end_ = end;
    if (message.refers() || message.so_far().size() - k_head > result_stage::k_bytes) {
      publish();
    } else {
      stage(before);
    }
  }

  /// Those that are not in the log yet.
  void publish();
  /// Whether descriptors have come with what was published since this was asked last: the parent should look soon.
  bool take_files() noexcept { return std::exchange(has_files_, false); }

 private:
  static constexpr std::size_t k_head = 1 + 2 * sizeof(std::size_t);  // of a message of results

  void undo(std::size_t before);
  void stage(std::size_t before) noexcept;

  result_publisher& to_;
  result_stage& stage_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool has_files_ = false;
};

}  // namespace larder::detail
