#include "parallel/worker_process.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <new>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <larder/detail/shipment.hpp>
#include <larder/error.hpp>

#include "parallel/descriptor_message.hpp"
#include "parallel/worker_messages.hpp"
#include "src/code_address.hpp"
#include "src/futex.hpp"

namespace larder::detail {
namespace {

/// Calls that a worker keeps for the case that they come again.
constexpr std::size_t k_most_known_calls = 16;

descriptor new_link() {
  const int fd = ::memfd_create("larder worker", MFD_CLOEXEC);
  if (fd < 0) throw io_error("memory shared with a worker", "cannot create", errno);
  descriptor file(fd, "memory shared with a worker");
  file.resize(sizeof(worker_link));
  return file;
}

socket_pair new_sockets() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    throw io_error("a socket to a worker process", "cannot create", errno);
  return {{ends[0], "a socket to a worker process"}, {ends[1], "a socket to a worker process"}};
}

/// The environment of this process, with some variables set.
class worker_environment {
 public:
  explicit worker_environment(const process_kind& kind) {
    set(k_worker_variable, std::to_string(::getpid()));
    if (kind.thread_limit != 0) {
      for (const char* const name : {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS",
                                     "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS"}) {
        // One that is lower already stays, unless inner_threads says how many there shall be.
        const char* const given = std::getenv(name);
        const long before = given == nullptr ? 0 : std::strtol(given, nullptr, 10);
        const bool stays =
            kind.inner_threads == 0 && before > 0 && before < static_cast<long>(kind.thread_limit);
        if (!stays) set(name, std::to_string(kind.thread_limit));
      }
    }
    for (char** each = ::environ; each != nullptr && *each != nullptr; ++each) {
      if (!is_set(*each)) pointers_.push_back(*each);
    }
    for (std::string& each : own_) pointers_.push_back(each.data());
    pointers_.push_back(nullptr);
  }

  char** pointers() noexcept { return pointers_.data(); }

 private:
  void set(std::string_view name, const std::string& value) {
    own_.push_back(std::string(name) + "=" + value);
  }
  bool is_set(std::string_view variable) const {
    const auto name = variable.substr(0, variable.find('=') + 1);
    return std::ranges::any_of(own_, [&](const std::string& each) { return each.starts_with(name); });
  }

  std::vector<std::string> own_;
  std::vector<char*> pointers_;
};

class spawn_attributes {
 public:
  spawn_attributes() {
    ::posix_spawnattr_init(&attributes_);
    // Of the thread that starts it nothing is inherited. A SIGINT has to wait until the worker ignores it.
    sigset_t blocked;
    ::sigemptyset(&blocked);
    ::sigaddset(&blocked, SIGINT);
    ::posix_spawnattr_setsigmask(&attributes_, &blocked);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK);
  }
  ~spawn_attributes() { ::posix_spawnattr_destroy(&attributes_); }
  spawn_attributes(const spawn_attributes&) = delete;
  spawn_attributes& operator=(const spawn_attributes&) = delete;

  const posix_spawnattr_t* get() const noexcept { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

/// What a worker has open: the standard streams, of which it does not read the first, and its socket.
class spawn_actions {
 public:
  explicit spawn_actions(int socket) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawn_file_actions_adddup2(&actions_, socket, k_worker_socket);
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, k_worker_socket + 1);
    ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  }
  ~spawn_actions() { ::posix_spawn_file_actions_destroy(&actions_); }
  spawn_actions(const spawn_actions&) = delete;
  spawn_actions& operator=(const spawn_actions&) = delete;

  const posix_spawn_file_actions_t* get() const noexcept { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

/// The program that runs, also where its file is gone from its place.
pid_t spawn(const process_kind& kind, int socket) {
  if (!is_initialized()) {
    throw value_error(
        "parallel: the backend processes needs larder::init(argc, argv); as the first line of main: its "
        "workers are "
        "processes of the same program, and begin there");
  }
  worker_environment environment(kind);
  const spawn_attributes attributes;
  const spawn_actions actions(socket);
  std::string name = "larder-worker";
  std::array<char*, 2> arguments{name.data(), nullptr};
  pid_t pid = -1;
  const int failed = ::posix_spawn(&pid, "/proc/self/exe", actions.get(), attributes.get(), arguments.data(),
                                   environment.pointers());
  if (failed != 0) throw io_error("a worker process", "cannot start", failed);
  return pid;
}

/// One message, so that a worker gets all of it or nothing, whatever fails.
outgoing_message followed_by(argument_writer& head, const outgoing_message& rest) {
  head.bytes(rest.bytes.data(), rest.bytes.size());
  return {head.take().bytes, rest.files};
}

}  // namespace

passing_rules rules_of(const parallel_settings& settings) {
  return {settings.max_nbytes, settings.mmap_mode, settings.temp_folder};
}

process_kind kind_of(const parallel_settings& settings) {
  process_kind kind{settings.inner_threads, settings.thread_limit, settings.max_nbytes, {}};
  if (settings.initializer) {
    const shipment& initializer = *settings.initializer.shipped();
    if (const std::string why = initializer.why_not(); !why.empty()) throw not_shippable(why);
    argument_writer to(rules_of(settings));
    write_descriptor(initializer.descriptor(), to);
    initializer.write(to);
    kind.initializer = to.take();
  }
  return kind;
}

worker_process::worker_process(process_kind kind, const lifeline& line)
    : worker_process(std::move(kind), line, new_link(), new_sockets(), std::make_unique<result_way>()) {}

worker_process::worker_process(process_kind kind, const lifeline& line, const descriptor& link,
                               socket_pair sockets, std::unique_ptr<result_way> results)
    : kind_(std::move(kind)),
      shared_(link.fd(), sizeof(worker_link)),
      link_(::new (shared_.data()) worker_link),
      socket_(std::move(sockets.ours)),
      child_(spawn(kind_, sockets.theirs.fd())),
      inbox_writer_(inbox_.fd()),
      files_(socket_.fd()),
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
  if (!call.stays_same) forget_call(number);
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
