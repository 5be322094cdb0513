#pragma once
// The way of results from a worker in another process to the process of the call.

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <utility>

#include <larder/detail/function_ref.hpp>

#include "parallel/descriptor_message.hpp"
#include "parallel/file_sender.hpp"
#include "parallel/file_table.hpp"
#include "parallel/message_reader.hpp"
#include "parallel/message_writer.hpp"
#include "parallel/shared_log.hpp"
#include "parallel/wake_event.hpp"
#include "parallel/worker_slot.hpp"
#include "src/descriptor.hpp"

namespace larder::detail {

/// What results come by: a log, and a socket for the descriptors of those that lie in memory of their own. io_error.
class result_way {
 public:
  result_way();
  /// The worker's side of one that another process has made.
  result_way(descriptor log, descriptor sending_end);
  result_way(const result_way&) = delete;
  result_way& operator=(const result_way&) = delete;

  shared_log& log() const noexcept { return *log_; }
  const std::shared_ptr<shared_log>& share_log() const noexcept { return log_; }
  int sending_end() const noexcept { return sending_end_.fd(); }
  int receiving_end() const noexcept { return receiving_end_.fd(); }
  /// In the process that only receives, once the worker has its end.
  void close_sending_end() noexcept;

 private:
  explicit result_way(socket_pair ends);

  std::shared_ptr<shared_log> log_ = std::make_shared<shared_log>();
  descriptor sending_end_;
  descriptor receiving_end_;  // without a descriptor on the worker's side
};

/// The worker's end. All that it is made with lives as long.
class result_publisher {
 public:
  result_publisher(const result_way& way, worker_slot& slot, std::uint64_t max_nbytes) noexcept
      : log_(way.log().fd()),
        files_(way.sending_end(), slot.packets),
        message_(log_, max_nbytes, &files_),
        slot_(slot) {}

  /// Begins the results of tasks [begin, end): what is written to it next.
  message_writer& results(std::size_t begin, std::size_t end);
  /// What is written of them, where that is to go on: results of one task more.
  message_writer& message() noexcept { return message_; }
  /// The tasks whose results are written end here.
  void end_at(std::size_t end) { message_.overwrite(k_end_at, end); }

  /// The results are complete. Whoever looks finds them. True: they came with descriptors, and the other side should look soon, as only so many
  /// can be under way. io_error where there is no memory for them.
  bool publish();
  /// The exception that a task threw.
  void publish_failure(std::size_t task, const std::exception_ptr& thrown);

 protected:
  std::uint64_t unread() const noexcept {
    return log_.end() - slot_.consumed.load(std::memory_order_relaxed);
  }

 private:
  static constexpr std::size_t k_end_at = 1 + sizeof(std::size_t);  // in a message of results

  log_writer log_;
  file_sender files_;
  message_writer message_;
  worker_slot& slot_;
};

/// One that wakes the process of the call.
class result_sender : public result_publisher {
 public:
  result_sender(const result_way& way, worker_slot& slot, const wake_request& request,
                const wake_event& event, std::uint64_t max_nbytes) noexcept
      : result_publisher(way, slot, max_nbytes), request_(request), event_(event) {}

  void send();
  void send_failure(std::size_t task, const std::exception_ptr& thrown);

 private:
  void wake(bool at_once) noexcept;

  const wake_request& request_;
  const wake_event& event_;
};

/// The other end. The slot lives as long.
class result_receiver {
 public:
  result_receiver(std::unique_ptr<result_way> way, worker_slot& slot, std::uint64_t max_nbytes) noexcept
      : way_(std::move(way)),
        reader_(way_->share_log()),
        files_(way_->receiving_end(), slot.packets),
        slot_(slot),
        max_nbytes_(max_nbytes) {}

  result_way& way() const noexcept { return *way_; }
  /// Where the worker is at nothing, and all that it has published was received or is not wanted.
  void drop_files() noexcept { files_.clear(); }
  /// Whether something was published that was not received.
  bool has_more() const noexcept {
    return slot_.published.load() != slot_.consumed.load(std::memory_order_relaxed);
  }
  /// Calls read for each message of results that has been published, up to a failure, whose exception it returns; null where all were
  /// read. What read throws passes through.
  std::exception_ptr receive(
      bytes_received& received,
      function_ref<void(std::size_t begin, std::size_t end, message_reader& from)> read);

 private:
  std::unique_ptr<result_way> way_;
  log_reader reader_;
  file_table files_;
  worker_slot& slot_;
  std::uint64_t max_nbytes_;
};

}  // namespace larder::detail
