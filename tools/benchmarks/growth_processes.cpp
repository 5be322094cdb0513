// Curves grow-process-*: what a task costs in worker processes; grow-memory*: what all of them take for one array.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <ranges>

#include <larder/parallel.hpp>

#include "tools/benchmarks/bench.hpp"
#include "tools/benchmarks/floor.hpp"
#include "tools/benchmarks/growth.hpp"
#include "tools/benchmarks/loop_growth.hpp"
#include "tools/benchmarks/parallel_work.hpp"
#include "tools/benchmarks/process_memory.hpp"
#include "tools/benchmarks/sleeping_child.hpp"

namespace larder_bench {
namespace {

using array = larder::array<const double>;
using pool = std::shared_ptr<const larder::parallel>;

constexpr auto k_nothing = [](int) { asm volatile(""); };
constexpr auto k_busy = [](int, std::int64_t nanoseconds) {
  busy_for(std::chrono::nanoseconds(nanoseconds));
};

/// The time per task of two children by hand, each of which does its half of them in a loop.
double by_hand(std::size_t count, const std::function<void()>& task,
               const std::function<double(const std::function<void()>&)>& timed) {
  const auto half = [&] {
    for (std::size_t i = 0; i < count / 2; ++i) task();
  };
  sleeping_child one(half);
  sleeping_child other(half);
  const auto call = [&] {
    one.ask();
    other.ask();
    one.wait_for_answer();
    other.wait_for_answer();
  };
  settle();
  call();
  return timed(call) / static_cast<double>(count);
}

void add_tasks(bench& b, const pool& workers) {
  for (const std::size_t count : powers_of_ten(2, 6)) {
    b.add(point_name("grow-process-tasks", count, "larder"), [workers, count] {
      const auto call = [&] { workers->map(std::views::iota(0, static_cast<int>(count)), k_nothing); };
      settle();
      call();
      return per_call(call) / static_cast<double>(count);
    });
    b.add(point_name("grow-process-tasks", count, "floor"), [count] {
      return by_hand(
          count, [] { asm volatile(""); }, per_call);
    });
  }
  for (const std::size_t length : powers_of_ten(2, 7)) {
    const std::size_t count = tasks_of_length(length);
    const auto nanoseconds = static_cast<std::int64_t>(length);
    b.add(point_name("grow-process-length", length, "larder"), [workers, count, nanoseconds] {
      settle();
      workers->map(std::views::iota(0, 2), k_nothing);
      return once([&] { workers->map(std::views::iota(0, static_cast<int>(count)), k_busy, nanoseconds); }) /
             static_cast<double>(count);
    });
    b.add(point_name("grow-process-length", length, "floor"), [count, nanoseconds] {
      return by_hand(
          count, [&] { k_busy(0, nanoseconds); }, once);
    });
  }
}

/// Each task adds up all of the array, and then returns the memory of all processes.
constexpr auto k_add_up = [](int, const array& a, const process_ids& all) {
  keep(floor::sum(std::as_bytes(a.flat())));
  return proportional_bytes(all);
};

/// The most that a task sees.
double add_up(const larder::parallel& workers, std::size_t bytes, const process_ids& all) {
  auto a = larder::array<double>::shared({bytes / sizeof(double)});
  a.fill(1.5);
  return std::ranges::max(workers.map(std::views::iota(0, 4), k_add_up, array(a), all));
}

/// Of processes that have done with a small array what they will do with a large one.
process_ids warmed(const larder::parallel& workers) {
  workers.map(std::views::iota(0, 2), k_nothing);
  process_ids all = this_and_children();
  add_up(workers, 100'000, all);
  return all;
}

void add_memory(bench& b, const pool& workers) {
  for (const std::size_t point : powers_of_ten(6, 9)) {
    const std::size_t bytes = b.scaled(point);
    b.add(point_name("grow-memory", point, "larder"), [workers, bytes] {
      const process_ids all = warmed(*workers);
      const double before = proportional_bytes(all);
      return add_up(*workers, bytes, all) - before;
    });
    b.add(point_name("grow-memory-peak", point, "larder"), [workers, bytes] {
      const process_ids all = warmed(*workers);
      reset_peaks(all);
      const double before = resident_bytes(all);
      add_up(*workers, bytes, all);
      return peak_resident_bytes(all) - before;
    });
    for (const char* const curve : {"grow-memory", "grow-memory-peak"}) {
      b.add(point_name(curve, point, "floor"), [bytes] { return static_cast<double>(bytes); });
    }
  }
}

}  // namespace

void add_growth_of_processes(bench& b) {
  const auto workers = std::make_shared<const larder::parallel>(
      larder::parallel_options{.n_jobs = k_parallel_workers, .backend = larder::backend::processes});
  add_tasks(b, workers);
  add_memory(b, workers);
}

}  // namespace larder_bench
