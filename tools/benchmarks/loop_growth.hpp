#pragma once
// Curves grow-tasks and grow-task-length: what larder and its peers run, so that all run the same.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>

#include "tools/benchmarks/bench.hpp"
#include "tools/benchmarks/growth.hpp"
#include "tools/benchmarks/parallel_work.hpp"

namespace larder_bench {

/// So many tasks of `nanoseconds` that they are 20 ms of work, but ten at least.
inline std::size_t tasks_of_length(std::size_t nanoseconds) {
  return std::max<std::size_t>(20'000'000 / nanoseconds, 10);
}

/// Adds the points of one who runs loops, as in add_loops.
template <class Run>
void add_loop_growth(bench& b, const std::string& who, Run run) {
  for (const std::size_t count : powers_of_ten(2, 6)) {
    b.add(point_name("grow-tasks", count, who), [run, count] {
      const auto call = [&] { run(count, [](std::size_t) { asm volatile(""); }); };
      settle();
      call();
      return per_call(call) / static_cast<double>(count);
    });
  }
  for (const std::size_t length : powers_of_ten(2, 7)) {
    b.add(point_name("grow-task-length", length, who), [run, length] {
      const std::size_t count = tasks_of_length(length);
      const auto call = [&] {
        run(count, [time = std::chrono::nanoseconds(length)](std::size_t) { busy_for(time); });
      };
      settle();
      run(k_parallel_workers, [](std::size_t) { asm volatile(""); });
      return once(call) / static_cast<double>(count);
    });
  }
}

/// Those of parallel_peers.cpp.
void add_loop_growth_of_peers(bench& b);

}  // namespace larder_bench
