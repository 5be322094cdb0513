#pragma once
// The team of threads as its tests call it, and processes of their own for what a process does once.

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdio>
#include <iostream>
#include <latch>

#include "src/team.hpp"

// The thread sanitizer keeps the parent's threads on its books in a child of fork and ends the child when one
// of its own gets the same id, so what starts threads in such a child is tested without it.
#if defined(__SANITIZE_THREAD__)
#define LARDER_TEST_FORK 0
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define LARDER_TEST_FORK 0
#endif
#endif
#ifndef LARDER_TEST_FORK
#define LARDER_TEST_FORK 1
#endif

// Whether `run` returns true (or does not return, but ends the process with status 0) in a child of fork. A
// child that hangs is ended by SIGALRM and counts as false.
template <class Run>
bool holds_in_child(Run run) {
  std::fflush(nullptr);
  std::cout.flush();
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);
    ::_exit(run() ? 0 : 1);
  }
  int status = -1;
  return child > 0 && ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// Whether the hidden test case of that name passes in a process of its own: one that has its own team, whose
// number of threads is known, and that may end.
inline bool passes_alone(const char* name) {
  return holds_in_child([&] {
    ::execl("/proc/self/exe", "tests", name, "--out", "/dev/null", nullptr);
    return false;
  });
}

// Returns only when `workers` bodies have been running at the same moment.
inline void meet(unsigned workers) {
  std::latch all(workers);
  larder::detail::run_on_team(workers, [&](unsigned) noexcept { all.arrive_and_wait(); });
}

inline std::size_t sum_on_team(unsigned workers, std::size_t count) {
  std::atomic<std::size_t> next = 0;
  std::atomic<std::size_t> sum = 0;
  larder::detail::run_on_team(workers, [&](unsigned) noexcept {
    std::size_t own = 0;
    for (std::size_t i = next++; i < count; i = next++) own += i;
    sum += own;
  });
  return sum;
}

constexpr std::size_t triangle(std::size_t count) { return count * (count - 1) / 2; }
