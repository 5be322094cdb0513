#pragma once
// What tests see of processes from outside, and how these end.

#include <csignal>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include <sys/types.h>
#include <unistd.h>

/// Whether a process can still do something: it holds its locks until it cannot.
inline bool is_alive(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  if (!std::getline(file, text)) return false;
  // proc(5): behind the name, which is in parentheses, come the state, five numbers, and the kernel's flags.
  std::istringstream rest(text.substr(text.rfind(')') + 1));
  std::string skipped;
  for (int field = 0; field < 6; ++field) rest >> skipped;
  unsigned long flags = 0;
  rest >> flags;
  constexpr unsigned long k_exiting = 4;  // PF_EXITING
  return (flags & k_exiting) == 0;
}

/// The one by which they are counted is among those of this process.
inline std::size_t open_descriptors(pid_t pid = ::getpid()) {
  const std::filesystem::directory_iterator all("/proc/" + std::to_string(pid) + "/fd");
  return static_cast<std::size_t>(std::distance(all, {}));
}

/// Ends this process. Catch2's own handlers would report the signal as a failure of the test.
inline void die_of(int signal) {
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}
