#pragma once
// Processes that work in stints, a third of which is ended by SIGKILL somewhere on the way; another process goes on.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>

struct stint_plan {
  std::size_t processes = 1;
  std::uint64_t operations = 1;  // of each process, and of those that go on in its place
  std::uint64_t per_stint = 1;
  std::uint64_t seed = 1;
  /// Run in the process at the start of each stint; what it returns does one operation. Destroyed at the end of the stint.
  std::function<std::function<void()>(std::size_t place, std::mt19937& random)> begin{};
  /// Run in one more process until it says false after the last operation; not killed.
  std::function<void(const std::function<bool()>& goes_on)> watch{};
};

struct stint_totals {
  std::uint64_t operations = 0;
  std::uint64_t kills = 0;
  double seconds = 0;
};

/// Returns when all is done. Ends the program where a process fails (crew.hpp).
stint_totals run_stints(const stint_plan& plan);
