#pragma once
// A worker that is a process of its own, as the process sees it that has started it.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <larder/digest.hpp>

#include "parallel/argument_writer.hpp"
#include "parallel/descriptor_message.hpp"
#include "parallel/file_sender.hpp"
#include "parallel/lifeline.hpp"
#include "parallel/process_kind.hpp"
#include "parallel/result_channel.hpp"
#include "parallel/shared_block.hpp"
#include "parallel/shared_log.hpp"
#include "parallel/wake_event.hpp"
#include "parallel/watched_child.hpp"
#include "parallel/worker_link.hpp"
#include "src/descriptor.hpp"

namespace larder::detail {

/// A call that is ready to be sent to any worker.
struct encoded_call {
  outgoing_message message;
  digest content;
  /// A worker that has it from an earlier call may use it again: its tasks cannot have changed it.
  bool stays_same = false;
};

/// Used by one thread at a time. What is sent to it, it takes in that order.
class worker_process {
 public:
  /// Starts one, of the running program, which ends with the lifeline. value_error where main did not call init; io_error.
  worker_process(process_kind kind, const lifeline& line);

  const process_kind& kind() const noexcept { return kind_; }
  watched_child& child() noexcept { return child_; }
  worker_link& link() const noexcept { return *link_; }
  const wake_event& event() const noexcept { return event_; }
  result_receiver& results() noexcept { return results_; }

  /// Gives it a call, if it does not have that; returns its number. It is seen with the next message that is sent.
  std::uint64_t begin_call(const encoded_call& call);
  /// After its last batch. The same.
  void end_call(const encoded_call& call, std::uint64_t number);
  /// Sends a message, and lets it look. io_error.
  void send(const outgoing_message& message);
  /// Tells it which files it need not keep any more.
  void forget_files();

  /// How long it waits for the next call. It is seen with the next message that is sent.
  void set_idle_timeout(std::chrono::nanoseconds timeout) noexcept;
  /// False where it is leaving, or has left.
  bool take() noexcept;
  /// After all that it was sent is done.
  void give_back() noexcept;

 private:
  struct known_call {
    digest content;
    std::uint64_t number;
  };

  worker_process(process_kind kind, const lifeline& line, const descriptor& link, socket_pair sockets,
                 std::unique_ptr<result_way> results);
  void put_message(const outgoing_message& message);
  void post() noexcept;
  void forget_call(std::uint64_t number);

  const process_kind kind_;
  const shared_log inbox_;
  const shared_block shared_;
  worker_link* const link_;
  const wake_event event_;
  const descriptor socket_;
  watched_child child_;
  log_writer inbox_writer_;
  file_sender files_;
  result_receiver results_;
  std::uint64_t calls_ = 0;
  std::vector<known_call> known_calls_;  // the last used first
};

}  // namespace larder::detail
