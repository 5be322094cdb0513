#pragma once
// The way of results from a worker in another process to the process of the call.

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>

#include <larder/detail/function_ref.hpp>

#include "parallel/message_reader.hpp"
#include "parallel/message_writer.hpp"
#include "parallel/shared_log.hpp"
#include "parallel/worker_slot.hpp"
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

/// The worker's end. All that it is made with lives as long.
class result_sender {
 public:
  result_sender(int log_fd, worker_slot& slot, const wake_request& request, const wake_event& event,
                std::uint64_t max_nbytes) noexcept
      : log_(log_fd), message_(log_, max_nbytes), slot_(slot), request_(request), event_(event) {}

  /// Begins the results of tasks [begin, end): what is written to it next.
  message_writer& results(std::size_t begin, std::size_t end);
  /// The results are complete. io_error where there is no memory for them.
  void send();
  /// The exception that a task threw.
  void send_failure(std::size_t task, const std::exception_ptr& thrown);

 private:
  log_writer log_;
  message_writer message_;
  worker_slot& slot_;
  const wake_request& request_;
  const wake_event& event_;
};

/// The other end. The slot lives as long.
class result_receiver {
 public:
  result_receiver(std::shared_ptr<shared_log> log, worker_slot& slot, std::uint64_t max_nbytes) noexcept
      : reader_(std::move(log)), slot_(slot), max_nbytes_(max_nbytes) {}

  /// Whether something was published that was not received.
  bool has_more() const noexcept {
    return slot_.published.load() != slot_.consumed.load(std::memory_order_relaxed);
  }
  /// Calls read for each message of results that has been published; returns the exception of a failure, which is always the last
  /// message. What read throws passes through.
  std::exception_ptr receive(
      bytes_received& received,
      function_ref<void(std::size_t begin, std::size_t end, message_reader& from)> read);

 private:
  log_reader reader_;
  worker_slot& slot_;
  std::uint64_t max_nbytes_;
};

}  // namespace larder::detail
