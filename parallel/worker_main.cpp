// A process that is a worker of another one of the same program: what becomes of the copies that worker_process starts.
//
// It has one thread. Messages come in the order of their log; batches are run as they come, and their results are published one by one.
// What the slot and the batch's serial number say lets the parent know at any time which task this process is at, however it ends.

#include <larder/init.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include <larder/detail/shipment.hpp>
#include <larder/error.hpp>

#include "parallel/batch_results.hpp"
#include "parallel/descriptor_message.hpp"
#include "parallel/file_table.hpp"
#include "parallel/flush_output.hpp"
#include "parallel/lifeline.hpp"
#include "parallel/look_out.hpp"
#include "parallel/message_reader.hpp"
#include "parallel/result_channel.hpp"
#include "parallel/shared_block.hpp"
#include "parallel/shared_log.hpp"
#include "parallel/spawn_worker.hpp"
#include "parallel/task_clock.hpp"
#include "parallel/wake_event.hpp"
#include "parallel/worker_link.hpp"
#include "parallel/worker_messages.hpp"
#include "src/code_address.hpp"
#include "src/futex.hpp"
#include "src/log.hpp"
#include "src/team.hpp"

namespace larder::detail {
namespace {

using clock = std::chrono::steady_clock;

/// The least time that it sleeps for, unless it is woken.
constexpr std::chrono::milliseconds k_nap{10};

/// What lies in files is mapped whatever its size; the rest lies in messages.
constexpr std::uint64_t k_all_mapped = 0;

constinit bool the_program_begins_with_init = false;

/// A message that is kept until it is needed.
using kept_message = std::vector<std::byte>;

kept_message keep(std::span<const std::byte> message) { return {message.begin(), message.end()}; }

struct known_call {
  kept_message message;  // until it is made
  std::unique_ptr<shipped_call> made;
};

class worker_loop {
 public:
  worker_loop(int socket, std::vector<descriptor> descriptors)
      : link_memory_(at(descriptors, worker_descriptor::link).fd(), sizeof(worker_link)),
        link_(*std::launder(reinterpret_cast<worker_link*>(link_memory_.data()))),
        inbox_(std::make_shared<shared_log>(std::move(at(descriptors, worker_descriptor::inbox)))),
        way_(std::move(at(descriptors, worker_descriptor::outbox)),
             std::move(at(descriptors, worker_descriptor::results))),
        event_(std::move(at(descriptors, worker_descriptor::event))),
        files_(socket, link_.packets),
        reader_(inbox_),
        lifeline_(std::move(at(descriptors, worker_descriptor::lifeline))) {}

  [[noreturn]] void run() {
    link_.is_ready.store(1);
    for (;;) {
      wait_for_messages();
      while (const auto message = next()) handle(*message);
    }
  }

 private:
  static descriptor& at(std::vector<descriptor>& descriptors, worker_descriptor which) {
    return descriptors[static_cast<std::size_t>(which)];
  }

  bool has_messages() const noexcept { return link_.sent.load() != reader_.position(); }

  // See worker_process::post.
  void wait_for_messages() noexcept {
    if (look_out_.wait([this] { return has_messages(); })) return;
    while (!has_messages()) {
      const std::chrono::nanoseconds idle(link_.idle_timeout.load());
      const std::uint32_t seen = link_.posts.load();
      link_.sleeps.store(1);
      if (!has_messages())
        futex_wait_shared(link_.posts, seen, std::max<std::chrono::nanoseconds>(idle, k_nap));
      link_.sleeps.store(0);
      if (!has_messages()) leave_if_idle();
    }
    look_out_.end_sleep();
  }

  void leave_if_idle() noexcept {
    auto idle = worker_state::idle;
    if (link_.state.load() != idle) return;
    const auto now = clock::now().time_since_epoch().count();
    if (now - link_.idle_since.load() < link_.idle_timeout.load()) return;
    if (link_.state.compare_exchange_strong(idle, worker_state::gone)) ::_exit(0);
  }

  std::optional<std::span<const std::byte>> next() {
    return reader_.next(link_.sent.load(std::memory_order_acquire));
  }

  message_reader read(std::span<const std::byte> message) {
    return {nullptr, message, k_all_mapped, received_, &files_};
  }

  void handle(std::span<const std::byte> message) {
    files_.receive_all();  // only so many can be under way
    message_reader from = read(message);
    switch (from.number<worker_message>()) {
      case worker_message::setup:
        return set_up(from);
      case worker_message::call: {
        const auto number = from.number<std::uint64_t>();
        calls_[number] = {keep(from.take_rest()), nullptr};
        return;
      }
      case worker_message::forget_call:
        calls_.erase(from.number<std::uint64_t>());
        return;
      case worker_message::forget_files:
        for (auto n = from.number<std::uint32_t>(); n != 0; --n) files_.forget(from.number<std::uint64_t>());
        return;
      case worker_message::batch:
        return run_batch(from);
    }
    throw error("parallel: a message to a worker of an unknown kind");
  }

  void set_up(message_reader& from) {
    const auto max_nbytes = from.number<std::uint64_t>();
    become_worker(from.number<std::uint32_t>());
    results_.emplace(way_, link_.slot, max_nbytes);
    batch_results_.emplace(*results_, link_.stage);
    try {
      check_modules(from);
      if (auto initializer = keep(from.take_rest()); !initializer.empty())
        initializer_.emplace(known_call{std::move(initializer), nullptr});
    } catch (...) {
      refusal_ = std::current_exception();
    }
  }

  /// The call itself; made from its message when it is first needed, since that runs code of the program's.
  shipped_call& make(known_call& call) {
    if (!call.made) {
      message_reader from = read(call.message);
      call.made = read_descriptor(from).make(from);
      from.finish();
      call.message = kept_message();  // = {} would keep its memory
    }
    return *call.made;
  }

  void initialize() {
    if (refusal_) std::rethrow_exception(refusal_);
    if (!initializer_) return;
    message_reader nothing = read({});
    make(*initializer_).run(nothing);  // if it throws, the next batch tries again
    initializer_.reset();
  }

  void run_batch(message_reader& from) {
    const auto head = from.number<batch_head>();
    worker_slot& slot = link_.slot;
    slot.begin_task(head.first + head.begin, false);
    link_.serial.store(head.serial, std::memory_order_release);
    const auto begun = clock::now();
    const auto note_time = [&] {
      busy_ += clock::now() - begun;
      slot.busy = std::chrono::nanoseconds(busy_).count();
    };
    try {
      initialize();
      const auto call = calls_.find(head.call);
      if (call == calls_.end()) throw error("parallel: a batch of a call that its worker does not know");
      run_tasks(head, make(call->second), from, note_time);
    } catch (...) {
      slot.end_task();
      note_time();
      flush_output();  // who has the failure may not wait for this process, but kill it
      const auto thrown = std::current_exception();
      try {
        batch_results_->publish();
      } catch (...) {  // no memory for the results before: the failure says that the batch has ended
      }
      results_->publish_failure(static_cast<std::size_t>(slot.task), thrown);
      tell();
    }
    link_.serial.store(0, std::memory_order_release);
  }

  // The parent says that it sleeps before it looks for the last time, and this side looks after it has told, both in the one order of
  // sequentially consistent operations: either the parent sees the news, or it is woken.
  void tell() noexcept {
    link_.news.fetch_add(1);
    if (link_.parent_sleeps.load() != 0) event_.post();
  }

  template <class NoteTime>
  void run_tasks(const batch_head& head, shipped_call& call, message_reader& from, NoteTime note_time) {
    const auto timeout =
        head.timeout == 0 ? std::nullopt : std::optional(std::chrono::nanoseconds(head.timeout));
    task_scope scope(link_.stop);
    batch_results_->begin(static_cast<std::size_t>(head.whole != 0 ? 0 : head.begin));
    for (std::uint64_t i = head.begin; i != head.count; ++i) {
      if (link_.stop.requested()) throw task_cancelled();
      const std::uint64_t task = head.first + i;
      link_.slot.begin_task(task, timeout.has_value());
      run_within(timeout, scope, static_cast<std::size_t>(task), [&] { call.run(from); });
      link_.slot.end_task();
      const bool is_last = i + 1 == head.count;
      if (head.whole != 0 && !is_last) continue;
      batch_results_->add(static_cast<std::size_t>(i + 1), [&](message_writer& to) { call.write(to); });
      if (is_last) {
        flush_output();
        note_time();
      }
      if (is_last || head.wakes != 0) batch_results_->publish();
      if (is_last || head.wakes != 0 || batch_results_->take_files()) tell();
      call.let_go();
    }
    from.finish();
  }

  const shared_block link_memory_;
  worker_link& link_;
  const std::shared_ptr<shared_log> inbox_;
  const result_way way_;
  const wake_event event_;
  look_out look_out_;  // for messages
  file_table files_;   // of arrays that come
  log_reader reader_;
  std::optional<result_publisher> results_;
  std::optional<batch_results> batch_results_;
  std::map<std::uint64_t, known_call> calls_;
  std::optional<known_call> initializer_;  // until it has run
  std::exception_ptr refusal_;             // why no task can run here
  clock::duration busy_{0};
  bytes_received received_;  // nobody asks
  const descriptor lifeline_;
};

/// Where the parent has no standard streams, what a task prints must not go where other descriptors come to lie.
void open_standard_streams() noexcept {
  int fd = -1;
  do {
    fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  } while (fd >= 0 && fd <= STDERR_FILENO);
  if (fd >= 0) ::close(fd);
}

/// Returns where this is no worker.
void run_if_worker(std::string_view program) {
  const char* const parent = std::getenv(k_worker_variable);
  if (parent == nullptr) {
    // One that has lost its environment must not go on as the program, and start workers of its own, and they theirs.
    if (program == k_worker_name) ::_exit(1);
    return;
  }
  if (parent != std::to_string(::getppid())) {
    // One whose parent is gone already has nobody to tell.
    if (program != k_worker_name) {
      log(log_level::warning, std::string("parallel: ") + k_worker_variable +
                                  " is set for a program that is no worker, which ends (unset it)");
    }
    ::_exit(1);
  }
  ::unsetenv(k_worker_variable);  // programs that tasks start are no workers
  std::signal(SIGINT, SIG_IGN);
  sigset_t none;
  ::sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
  open_standard_streams();
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  try {
    std::byte nothing{};
    ::fcntl(k_worker_socket, F_SETFD, FD_CLOEXEC);
    auto first = receive_descriptors(k_worker_socket, std::span(&nothing, 1), when_blocked::wait);
    constexpr auto k_count = static_cast<std::size_t>(worker_descriptor::count);
    if (!first || first->descriptors.size() != k_count) ::_exit(1);
    const int line = first->descriptors[static_cast<std::size_t>(worker_descriptor::lifeline)].fd();
    if (!hold_lifeline(line)) ::_exit(1);
    worker_loop(k_worker_socket, std::move(first->descriptors)).run();
  } catch (const std::exception& e) {
    log(log_level::warning, std::string("parallel: a worker process ends: ") + e.what());
  }
  ::_exit(1);
}

}  // namespace

bool is_initialized() noexcept { return the_program_begins_with_init; }

}  // namespace larder::detail

namespace larder {

void init(int argc, char** argv) {
  detail::the_program_begins_with_init = true;
  detail::run_if_worker(argc > 0 && argv != nullptr && argv[0] != nullptr ? argv[0] : "");
}

}  // namespace larder
