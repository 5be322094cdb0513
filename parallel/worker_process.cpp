#include "parallel/worker_process.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>
#include <utility>

#include <poll.h>
#include <sys/mman.h>

#include <larder/error.hpp>

#include "parallel/spawn_worker.hpp"
#include "parallel/worker_messages.hpp"
#include "src/code_address.hpp"
#include "src/futex.hpp"

namespace larder::detail {
namespace {

/// Calls that a worker keeps for the case that they come again.
constexpr std::size_t k_most_known_calls = 16;
/// A worker is told at once to forget a call of more bytes.
constexpr std::size_t k_worth_waking = std::size_t{64} << 10;

descriptor new_link() {
  const int fd = ::memfd_create("larder worker", MFD_CLOEXEC);
  if (fd < 0) throw io_error("memory shared with a worker", "cannot create", errno);
  descriptor file(fd, "memory shared with a worker");
  file.resize(sizeof(worker_link));
  return file;
}

/// One message, so that a worker gets all of it or nothing, whatever fails.
outgoing_message followed_by(argument_writer& head, const outgoing_message& rest) {
  head.bytes(rest.bytes.data(), rest.bytes.size());
  return {head.take().bytes, rest.files};
}

}  // namespace

worker_process::worker_process(process_kind kind, const lifeline& line)
    : worker_process(std::move(kind), line, new_link(), new_socket_pair(), std::make_unique<result_way>()) {}

worker_process::worker_process(process_kind kind, const lifeline& line, const descriptor& link,
                               socket_pair sockets, std::unique_ptr<result_way> results)
    : kind_(std::move(kind)),
      shared_(link.fd(), sizeof(worker_link)),
      link_(::new (shared_.data()) worker_link),
      socket_(std::move(sockets.ours)),
      child_(spawn_worker(kind_, sockets.theirs.fd())),
      inbox_writer_(inbox_.fd()),
      files_(socket_.fd(), link_->packets),
      results_(std::move(results), link_->slot, kind_.max_nbytes) {
  std::array<int, static_cast<std::size_t>(worker_descriptor::count)> all{};
  const auto at = [&](worker_descriptor which) -> int& { return all[static_cast<std::size_t>(which)]; };
  at(worker_descriptor::link) = link.fd();
  at(worker_descriptor::inbox) = inbox_.fd();
  at(worker_descriptor::outbox) = results_.way().log().fd();
  at(worker_descriptor::results) = results_.way().sending_end();
  at(worker_descriptor::event) = event_.fd();
  at(worker_descriptor::lifeline) = line.reading_end();
  const std::byte nothing{0};
  if (!send_descriptors(socket_.fd(), std::span(&nothing, 1), all, when_blocked::wait))
    throw io_error("a worker process", "cannot send what it begins with", errno);
  results_.way().close_sending_end();

  argument_writer setup({});
  setup.number(worker_message::setup);
  setup.number(std::uint64_t{kind_.max_nbytes});
  setup.number(std::uint32_t{kind_.inner_threads});
  write_modules(setup);
  send(followed_by(setup, kind_.initializer));
}

void worker_process::put_message(const outgoing_message& message) {
  files_.send(message.files);
  inbox_writer_.append(text_bytes(message.bytes));
}

// The worker says that it sleeps before it looks for the last time, and this side looks after it has posted, both in the one order of
// sequentially consistent operations: either the worker sees the message, or it is woken.
void worker_process::post() noexcept {
  link_->sent.store(inbox_writer_.end());
  link_->posts.fetch_add(1);
  if (link_->sleeps.load() != 0) futex_wake_shared(link_->posts);
}

void worker_process::send(const outgoing_message& message) {
  put_message(message);
  post();
}

std::uint64_t worker_process::begin_call(const encoded_call& call) {
  if (call.stays_same) {
    const auto known = std::ranges::find(known_calls_, call.content, &known_call::content);
    if (known != known_calls_.end()) {
      std::rotate(known_calls_.begin(), known, known + 1);
      return known_calls_.front().number;
    }
  }
  const std::uint64_t number = ++calls_;
  argument_writer to({});
  to.number(worker_message::call);
  to.number(number);
  put_message(followed_by(to, call.message));
  if (call.stays_same) {
    known_calls_.insert(known_calls_.begin(), {call.content, number});
    if (known_calls_.size() > k_most_known_calls) {
      forget_call(known_calls_.back().number);
      known_calls_.pop_back();
    }
  }
  return number;
}

void worker_process::end_call(const encoded_call& call, std::uint64_t number) {
  if (call.stays_same) return;
  forget_call(number);
  if (call.message.bytes.size() > k_worth_waking) post();  // who sleeps may have that memory for long
}

void worker_process::forget_call(std::uint64_t number) {
  argument_writer to({});
  to.number(worker_message::forget_call);
  to.number(number);
  put_message(to.take());
}

void worker_process::forget_files() {
  const std::vector<std::uint64_t> numbers = files_.take_forgotten();
  if (numbers.empty()) return;
  argument_writer to({});
  to.number(worker_message::forget_files);
  to.number(static_cast<std::uint32_t>(numbers.size()));
  to.bytes(numbers.data(), numbers.size() * sizeof(std::uint64_t));
  send(to.take());
}

bool worker_process::take() noexcept {
  auto idle = worker_state::idle;
  if (!link_->state.compare_exchange_strong(idle, worker_state::taken)) return false;
  pollfd end{child_.ended_fd(), POLLIN, 0};
  return ::poll(&end, 1, 0) == 0;
}

void worker_process::set_idle_timeout(std::chrono::nanoseconds timeout) noexcept {
  link_->idle_timeout.store(timeout.count());
}

void worker_process::give_back() noexcept {
  results_.drop_files();
  link_->idle_since.store(std::chrono::steady_clock::now().time_since_epoch().count());
  link_->state.store(worker_state::idle);
}

}  // namespace larder::detail
