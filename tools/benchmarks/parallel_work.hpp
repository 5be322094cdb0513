#pragma once
// Rows parallel-*: what larder and its peers run, so that all run the same.

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tools/benchmarks/bench.hpp"

namespace larder_bench {

constexpr unsigned k_parallel_workers = 2;

/// Computes for that long by the clock.
inline void busy_for(std::chrono::nanoseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
  }
}

/// Costs from 1 us to 1 ms, of which each power of ten has as many.
struct varied_costs {
  std::vector<std::chrono::nanoseconds> costs;

  explicit varied_costs(const std::string& order) {
    constexpr std::size_t k_count = 400;
    for (std::size_t i = 0; i < k_count; ++i) {
      costs.emplace_back(static_cast<long>(1e3 * std::pow(1e3, static_cast<double>(i) / (k_count - 1))));
    }
    if (order == "shuffled") {
      std::shuffle(costs.begin(), costs.end(), std::mt19937(0));
    } else if (order == "cluster") {  // the expensive quarter together, in the middle, among the others
      std::shuffle(costs.begin(), costs.begin() + 3 * k_count / 4, std::mt19937(0));
      std::rotate(costs.begin() + 3 * k_count / 8, costs.begin() + 3 * k_count / 4, costs.end());
    }  // else "ascending"
  }

  /// No schedule takes less.
  double best_seconds() const {
    std::chrono::nanoseconds total{0};
    for (const auto each : costs) total += each;
    const auto best = std::max(total / k_parallel_workers, *std::max_element(costs.begin(), costs.end()));
    return std::chrono::duration<double>(best).count();
  }
};

constexpr std::array k_varied_orders = {"shuffled", "ascending", "cluster"};

/// What others' threads do after their work, which may be to wait busily, is over.
inline void settle() { ::usleep(20'000); }

/// The median of some calls, each after 1 ms in which nothing happens.
template <class Call>
double after_idle(Call call) {
  std::vector<double> seconds;
  for (int i = 0; i < 51; ++i) {
    ::usleep(1000);
    seconds.push_back(once(call));
  }
  std::nth_element(seconds.begin(), seconds.begin() + 25, seconds.end());
  return seconds[25];
}

/// Adds the measurements of one who runs loops: run(count, f) calls f(i) for each i < count on k_parallel_workers threads.
template <class Run>
void add_loops(bench& b, const std::string& who, Run run) {
  constexpr auto k_nothing = [](std::size_t) { asm volatile(""); };
  const auto timed = [run](std::size_t count, auto f) {
    settle();
    run(count, f);
    return once([&] { run(count, f); });
  };
  b.add("parallel-empty/" + who, [timed, k_nothing] {
    constexpr std::size_t k_count = 1'000'000;
    double best = timed(k_count, k_nothing);
    for (int i = 0; i < 4; ++i) best = std::min(best, timed(k_count, k_nothing));
    return best / k_count;
  });
  for (const int microseconds : {1, 10, 100}) {
    b.add("parallel-" + std::to_string(microseconds) + "us/" + who, [timed, microseconds] {
      const std::chrono::microseconds time(microseconds);
      return timed(static_cast<std::size_t>(20'000 / microseconds), [time](std::size_t) { busy_for(time); });
    });
  }
  b.add("parallel-call/" + who, [run, k_nothing] {
    settle();
    run(2, k_nothing);
    return per_call([&] { run(2, k_nothing); });
  });
  b.add("parallel-call-idle/" + who, [run, k_nothing] {
    settle();
    return after_idle([&] { run(2, k_nothing); });
  });
  for (const char* order : k_varied_orders) {
    b.add("parallel-varied-" + std::string(order) + "/" + who,
          [timed, varied = std::make_shared<varied_costs>(order)] {
            return timed(varied->costs.size(), [&](std::size_t i) { busy_for(varied->costs[i]); });
          });
  }
}

/// oneTBB, std::execution::par and OpenMP, where there are any, and std::async.
void add_parallel_peers(bench& b);
void add_parallel_peer_versions(peer_versions& versions);

}  // namespace larder_bench
