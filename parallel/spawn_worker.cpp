#include "parallel/spawn_worker.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <spawn.h>
#include <unistd.h>

#include <larder/error.hpp>

#include "parallel/worker_messages.hpp"

namespace larder::detail {
namespace {

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
    // After clearenv() there is not even an empty one.
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

}  // namespace

pid_t spawn_worker(const process_kind& kind, int socket) {
  if (!is_initialized()) {
    throw value_error(
        "parallel: the backend processes needs larder::init(argc, argv); as the first line of main: its "
        "workers are "
        "processes of the same program, and begin there");
  }
  worker_environment environment(kind);
  const spawn_attributes attributes;
  const spawn_actions actions(socket);
  std::string name = k_worker_name;
  std::array<char*, 2> arguments{name.data(), nullptr};
  pid_t pid = -1;
  const int failed = ::posix_spawn(&pid, "/proc/self/exe", actions.get(), attributes.get(), arguments.data(),
                                   environment.pointers());
  if (failed != 0) throw io_error("a worker process", "cannot start", failed);
  return pid;
}

}  // namespace larder::detail
