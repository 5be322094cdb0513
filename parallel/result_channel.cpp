#include "parallel/result_channel.hpp"

#include <cerrno>

#include <sys/eventfd.h>
#include <unistd.h>

#include <larder/error.hpp>

#include "parallel/thrown.hpp"

namespace larder::detail {
namespace {

enum class message_kind : std::uint8_t { results = 1, failure = 2 };

}  // namespace

namespace {

int new_event() {
  const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) throw io_error("an eventfd", "cannot create", errno);
  return fd;
}

}  // namespace

wake_event::wake_event() : event_(new_event(), "an eventfd") {}

void wake_event::post() const noexcept {
  const std::uint64_t one = 1;
  (void)!::write(fd(), &one, sizeof one);  // it fails only where more was posted than anybody can count
}

void wake_event::clear() const noexcept {
  std::uint64_t posted = 0;
  (void)!::read(fd(), &posted, sizeof posted);
}

message_writer& result_sender::results(std::size_t begin, std::size_t end) {
  message_.number(message_kind::results);
  message_.number(begin);
  message_.number(end);
  return message_;
}

// Who waits says so before it looks for what is published, and this side publishes before it looks whether somebody waits, both in
// the one order of sequentially consistent operations: either the other side sees the message, or it is woken.
void result_sender::send() {
  message_.finish();
  slot_.published.store(log_.end());
  const std::uint64_t unread = log_.end() - slot_.consumed.load(std::memory_order_relaxed);
  if (unread >= request_.unread.load()) event_.post();
}

void result_sender::send_failure(std::size_t task, const std::exception_ptr& thrown) {
  message_.drop();
  message_.number(message_kind::failure);
  write_thrown(thrown, task, message_);
  send();
}

std::exception_ptr result_receiver::receive(
    bytes_received& received,
    function_ref<void(std::size_t begin, std::size_t end, message_reader& from)> read) {
  const std::uint64_t end = slot_.published.load();
  while (const auto message = reader_.next(end)) {
    message_reader from(reader_.log(), *message, max_nbytes_, received);
    if (from.number<message_kind>() == message_kind::failure) return read_thrown(from);
    const auto first = from.number<std::size_t>();
    const auto last = from.number<std::size_t>();
    read(first, last, from);
    from.finish();
  }
  slot_.consumed.store(end, std::memory_order_relaxed);
  return nullptr;
}

}  // namespace larder::detail
