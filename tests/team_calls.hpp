#pragma once
// The team of threads as its tests call it, and processes of their own for what a process does once.

#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <latch>

#include "src/team.hpp"
#include "tests/child_process.hpp"

// Whether the hidden test case of that name passes in a process of its own: one that has its own team, whose
// number of threads is known, and that may end.
inline bool passes_alone(const char* name) {
  child_process alone([&] {
    ::execl("/proc/self/exe", "tests", name, "--out", "/dev/null", nullptr);
    return 1;
  });
  return alone.wait() == 0;
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
