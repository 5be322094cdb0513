#include "parallel/foreign_threads.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <thread>

#include <fcntl.h>
#include <sys/single_threaded.h>
#include <unistd.h>

#include <larder/error.hpp>

#include "src/descriptor.hpp"
#include "src/directory_stream.hpp"
#include "src/spin.hpp"
#include "src/team.hpp"

namespace larder::detail {
namespace {

constexpr const char* k_threads = "/proc/self/task";

/// Whether a thread has left the program and only the kernel still has it on its books, as it does for some microseconds
/// after a join. io_error.
bool is_gone(const char* thread) {
  constexpr unsigned long k_exiting = 0x4;  // PF_EXITING
  const std::string path = std::string(k_threads) + "/" + thread + "/stat";
  const auto file = descriptor::open_if_exists(path, O_RDONLY);
  if (!file) return true;
  std::array<char, 1024> bytes;
  const ssize_t length = ::read(file->fd(), bytes.data(), bytes.size());
  if (length <= 0) return true;
  const std::string_view line(bytes.data(), static_cast<std::size_t>(length));
  // "tid (name) state ppid pgrp session tty tpgid flags ...": the name may have anything in it.
  std::size_t at = line.rfind(')');
  for (int field = 0; field < 7 && at != std::string_view::npos; ++field) at = line.find(' ', at + 1);
  if (at == std::string_view::npos) return false;
  unsigned long flags = 0;
  std::from_chars(line.data() + at + 1, line.data() + line.size(), flags);
  return (flags & k_exiting) != 0;
}

/// Those of this process that are not gone; looks at each where there are more than `expected`. io_error.
unsigned count_threads(unsigned expected) {
  const auto count = [](auto counts) {
    unsigned number = 0;
    directory_stream threads(k_threads);
    while (const char* const thread = threads.next()) number += counts(thread) ? 1U : 0U;
    if (number == 0) throw io_error(k_threads, "cannot list", ENOENT);
    return number;
  };
  const unsigned all = count([](const char*) { return true; });
  return all <= expected ? all : count([](const char* thread) { return !is_gone(thread); });
}

// In a child of fork, those of its parent too: it waits less for its own then.
constinit std::atomic<unsigned> threads_at_tasks = 0;

}  // namespace

at_tasks::at_tasks() noexcept { threads_at_tasks.fetch_add(1); }
at_tasks::~at_tasks() { threads_at_tasks.fetch_sub(1); }

void refuse_foreign_threads() {
  if (__libc_single_threaded) return;  // and so it stays: there is no one else to start a thread
  team_threads team{};
  unsigned all = 0;
  const auto is_alone = [&] {
    team = count_team_threads();
    all = count_threads(1 + team.idle);
    return all <= 1 + team.idle;
  };
  // Helpers of the team that have just finished a task are on their way out of it; a thread that was joined is on its way out of
  // the kernel.
  constexpr std::chrono::milliseconds k_on_their_way{20};
  constexpr std::chrono::seconds k_without_processor{1};
  try {
    if (spin_until(is_alone, k_on_their_way)) return;
    // A helper may have to wait for a processor before it is out. When it gets one nobody says.
    const auto may_come = [&] { return all <= 1 + team.all && threads_at_tasks.load() == 0; };
    const auto end = std::chrono::steady_clock::now() + k_without_processor;
    while (!inside_team_body() && may_come() && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      if (is_alone()) return;
    }
  } catch (const io_error& e) {
    throw value_error(
        "parallel: backend is fork, and /proc, which would say whether this process has threads of its own, "
        "cannot be read (" +
        std::string(e.what()) + "); set allow_threads where they do no harm");
  }
  throw value_error(
      "parallel: backend is fork, and this process has " + std::to_string(all - 1 - team.idle) +
      " thread(s) that are not larder's, or are at tasks of it: in a child they do not exist, and locks that "
      "they hold stay locked; "
      "start them after the call, or use the backend threads, or set allow_threads where tasks do not need "
      "what they lock");
}

}  // namespace larder::detail
