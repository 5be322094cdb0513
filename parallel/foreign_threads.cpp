#include "parallel/foreign_threads.hpp"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

#include <sys/single_threaded.h>

#include <larder/error.hpp>

#include "src/spin.hpp"
#include "src/team.hpp"

namespace larder::detail {
namespace {

/// Whether a thread has left the program and only the kernel still has it on its books, as it does for some microseconds
/// after a join.
bool is_gone(const std::filesystem::path& task) {
  constexpr unsigned long k_exiting = 0x4;  // PF_EXITING
  std::ifstream stream(task / "stat");
  const std::string line{std::istreambuf_iterator<char>(stream), {}};
  // "tid (name) state ppid pgrp session tty tpgid flags ...": the name may have anything in it.
  std::size_t at = line.rfind(')');
  if (at == std::string::npos) return true;
  for (int field = 0; field < 7 && at != std::string::npos; ++field) at = line.find(' ', at + 1);
  if (at == std::string::npos) return false;
  return (std::strtoul(line.c_str() + at, nullptr, 10) & k_exiting) != 0;
}

template <class Counts>
unsigned count_tasks(std::error_code& error, Counts counts) {
  unsigned number = 0;
  std::filesystem::directory_iterator each("/proc/self/task", error);
  for (; !error && each != std::filesystem::directory_iterator(); each.increment(error)) {
    if (counts(each->path())) ++number;
  }
  return number;
}

}  // namespace

void refuse_foreign_threads() {
  if (__libc_single_threaded) return;  // and so it stays: there is no one else to start a thread
  team_threads team{};
  unsigned all = 0;
  std::error_code error;
  const auto is_alone = [&] {
    team = count_team_threads();
    all = count_tasks(error, [](const std::filesystem::path&) { return true; });
    if (!error && all > 1 + team.idle) {
      all = count_tasks(error, [](const std::filesystem::path& task) { return !is_gone(task); });
    }
    return error || all <= 1 + team.idle;
  };
  // Helpers of the team that have just finished a task are on their way out of it; a thread that was joined is on its way out of
  // the kernel. A helper may have to wait for a processor first, so where there is nobody else, that is waited for.
  constexpr std::chrono::milliseconds k_on_their_way{20};
  constexpr std::chrono::seconds k_without_processor{1};
  if (!spin_until(is_alone, k_on_their_way) && all <= 1 + team.all) spin_until(is_alone, k_without_processor);
  if (error) {
    throw value_error(
        "parallel: backend is fork, and /proc, which would say whether this process has threads of its own, "
        "cannot be read (" +
        error.message() + "); set allow_threads where they do no harm");
  }
  if (all <= 1 + team.idle) return;
  throw value_error(
      "parallel: backend is fork, and this process has " + std::to_string(all - 1 - team.idle) +
      " thread(s) that are not larder's, or are at tasks of it: in a child they do not exist, and locks that "
      "they hold stay locked; "
      "start them after the call, or use the backend threads, or set allow_threads where tasks do not need "
      "what they lock");
}

}  // namespace larder::detail
