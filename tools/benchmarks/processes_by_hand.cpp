#include "tools/benchmarks/processes_by_hand.hpp"

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <new>
#include <optional>
#include <span>
#include <stdexcept>
#include <system_error>

#include "src/descriptor.hpp"
#include "src/futex.hpp"
#include "src/spin.hpp"
#include "tools/benchmarks/bench.hpp"

namespace larder_bench::by_hand {
namespace {

using larder::detail::when_blocked;

[[noreturn]] void fail(const char* call) { throw std::system_error(errno, std::generic_category(), call); }

void* map_shared(std::size_t bytes, int protection, int flags, int fd) {
  void* const data = ::mmap(nullptr, bytes, protection, MAP_SHARED | flags, fd, 0);
  if (data == MAP_FAILED) fail("mmap");
  return data;
}

/// Of what goes with a descriptor.
struct note {
  std::size_t bytes = 0;  // to be mapped
  double seconds = 0;
};

void send(int socket, int fd, const note& n) {
  if (!larder::detail::send_descriptors(socket, std::as_bytes(std::span(&n, 1)), std::span(&fd, 1),
                                        when_blocked::wait))
    fail("sendmsg");
}

struct mapped_file {
  void* data;
  note with;
};

/// Without a value where nothing has come.
std::optional<mapped_file> map_received(int socket, when_blocked blocked) {
  note with;
  const auto received =
      larder::detail::receive_descriptors(socket, std::as_writable_bytes(std::span(&with, 1)), blocked);
  if (!received) return std::nullopt;
  struct ::stat status {};
  if (::fstat(received->descriptors.at(0).fd(), &status) != 0) fail("fstat");
  if (static_cast<std::size_t>(status.st_size) < with.bytes)
    throw std::runtime_error("a file that is too short");
  return mapped_file{map_shared(with.bytes, PROT_READ, 0, received->descriptors[0].fd()), with};
}

void map_what_has_come(int socket) {
  map_received(socket, when_blocked::give_up);
}  // the mapping goes with the child

}  // namespace

struct child::words {
  alignas(64) std::atomic<std::uint32_t> asked = 0;
  alignas(64) std::atomic<std::uint32_t> answered = 0;
};

child::child(const action& act, waiting how)
    : sockets_(larder::detail::new_socket_pair()),
      words_(::new (map_shared(sizeof(words), PROT_READ | PROT_WRITE, MAP_ANONYMOUS, -1)) words),
      how_(how),
      pid_(::fork()) {
  if (pid_ < 0) fail("fork");
  if (pid_ != 0) return;
  for (std::uint32_t seen = 0;; ++seen) {
    wait(words_->asked, seen);
    try {
      act(sockets_.theirs.fd());
    } catch (...) {
      ::_exit(1);
    }
    words_->answered.fetch_add(1);
    larder::detail::futex_wake_shared(words_->answered);
  }
}

child::~child() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  ::munmap(words_, sizeof(words));
}

void child::ask() {
  words_->asked.fetch_add(1);
  larder::detail::futex_wake_shared(words_->asked);
}

void child::wait_for_answer() { wait(words_->answered, answers_++); }

void child::wait(const std::atomic<std::uint32_t>& word, std::uint32_t seen) const {
  constexpr std::chrono::microseconds k_look{50};
  const auto has_changed = [&] { return word.load() != seen; };
  if (how_ == waiting::looking && larder::detail::spin_until(has_changed, k_look)) return;
  while (!has_changed()) larder::detail::futex_wait_shared(word, seen, std::chrono::hours(1));
}

children::children(waiting how) : both_{child(map_what_has_come, how), child(map_what_has_come, how)} {}

void children::call() {
  for (child& each : both_) each.ask();
  for (child& each : both_) each.wait_for_answer();
}

void children::map(int fd, std::size_t bytes) {
  for (child& each : both_) {
    send(each.socket(), fd, {.bytes = bytes});
    each.ask();
  }
  for (child& each : both_) each.wait_for_answer();
}

filled_memory::filled_memory(std::size_t bytes) : bytes_(bytes), fd_(::memfd_create("bench", MFD_CLOEXEC)) {
  if (fd_ < 0) fail("memfd_create");
  if (::ftruncate(fd_, static_cast<off_t>(bytes)) != 0) fail("ftruncate");
  data_ = map_shared(bytes, PROT_READ | PROT_WRITE, 0, fd_);
  std::fill_n(static_cast<double*>(data_), bytes / sizeof(double), 1.5);
}

filled_memory::~filled_memory() {
  ::munmap(data_, bytes_);
  ::close(fd_);
}

double return_memory(std::size_t bytes) {
  const auto make = [bytes](int socket) {
    const double before = now();
    const filled_memory made(bytes);
    send(socket, made.fd(), {.bytes = bytes, .seconds = now() - before});
  };
  child maker(make, waiting::looking);
  const auto pass = [&] {
    std::optional<mapped_file> made;
    const double whole = once([&] {
      maker.ask();
      made = map_received(maker.socket(), when_blocked::wait);
    });
    if (!made) throw std::runtime_error("the child has ended");
    ::munmap(made->data, bytes);
    maker.wait_for_answer();
    return whole - made->with.seconds;
  };
  pass();  // a child of fork pays for each page that it touches first; workers have done that long before
  return pass();
}

double write_to_memfd(const larder::array<double>& a) {
  const int fd = ::memfd_create("bench", MFD_CLOEXEC);
  if (fd < 0) fail("memfd_create");
  const double seconds = once([&] {
    if (!larder::detail::write_all_at(fd, std::as_bytes(a.flat()), 0)) fail("pwrite");
  });
  ::close(fd);
  return seconds;
}

}  // namespace larder_bench::by_hand
