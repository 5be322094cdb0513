#include "parallel/result_channel.hpp"

#include <string>
#include <utility>

#include "parallel/thrown.hpp"

namespace larder::detail {
namespace {

enum class message_kind : std::uint8_t { results = 1, failure = 2 };

}  // namespace

result_way::result_way() : result_way(new_socket_pair()) {}

result_way::result_way(socket_pair ends)
    : sending_end_(std::move(ends.theirs)), receiving_end_(std::move(ends.ours)) {}

result_way::result_way(descriptor log, descriptor sending_end)
    : log_(std::make_shared<shared_log>(std::move(log))),
      sending_end_(std::move(sending_end)),
      receiving_end_(-1, std::string()) {}

void result_way::close_sending_end() noexcept { sending_end_ = descriptor(-1, std::string()); }

message_writer& result_publisher::results(std::size_t begin, std::size_t end) {
  message_.number(message_kind::results);
  message_.number(begin);
  message_.number(end);
  return message_;
}

bool result_publisher::publish() {
  const bool has_files = message_.finish();
  slot_.published.store(log_.end());
  return has_files;
}

void result_publisher::publish_failure(std::size_t task, const std::exception_ptr& thrown) {
  message_.drop();
  message_.number(message_kind::failure);
  write_thrown(thrown, task, message_);
  publish();
}

// Who waits says so before it looks for what is published, and this side publishes before it looks whether somebody waits, both in
// the one order of sequentially consistent operations: either the other side sees the message, or it is woken.
void result_sender::wake(bool at_once) noexcept {
  if (unread() >= request_.unread.load() || at_once) event_.post();
}

void result_sender::send() { wake(publish()); }

void result_sender::send_failure(std::size_t task, const std::exception_ptr& thrown) {
  publish_failure(task, thrown);
  wake(false);
}

std::exception_ptr result_receiver::receive(
    bytes_received& received,
    function_ref<void(std::size_t begin, std::size_t end, message_reader& from)> read) {
  const std::uint64_t end = slot_.published.load();
  while (const auto message = reader_.next(end)) {
    message_reader from(&reader_.log(), *message, max_nbytes_, received, &files_);
    if (from.number<message_kind>() == message_kind::failure) return read_thrown(from);
    const auto first = from.number<std::size_t>();
    const auto last = from.number<std::size_t>();
    read(first, last, from);
    from.finish();
    files_.forget_all();
  }
  slot_.consumed.store(end, std::memory_order_relaxed);
  return nullptr;
}

}  // namespace larder::detail
