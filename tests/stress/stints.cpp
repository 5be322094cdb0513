#include "tests/stress/stints.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <numeric>
#include <string>

#include "tests/stress/crew.hpp"

namespace {

using clock_type = std::chrono::steady_clock;

constexpr std::size_t k_most_processes = 1'000;

struct shared_state {
  std::array<std::atomic<std::uint64_t>, k_most_processes> done{};  // operations of each place
  std::atomic<std::int64_t> stint = 100'000'000;                    // ns that the last one took

  std::uint64_t operations() const { return std::accumulate(done.begin(), done.end(), std::uint64_t{0}); }
};

void work(const stint_plan& plan, shared_state& shared, std::size_t place, std::uint64_t life) {
  std::seed_seq seeds{plan.seed, static_cast<std::uint64_t>(place), life};
  std::mt19937 random(seeds);
  auto& done = shared.done[place];
  while (done < plan.operations) {
    if (random() % 3 == 0)
      die_in(std::chrono::nanoseconds(std::uniform_int_distribution<std::int64_t>(0, shared.stint)(random)));
    const auto start = clock_type::now();
    const auto act = plan.begin(place, random);
    const std::uint64_t end = std::min(done + plan.per_stint, plan.operations);
    while (done < end) {
      act();
      ++done;
    }
    shared.stint = std::chrono::nanoseconds(clock_type::now() - start).count();
  }
}

}  // namespace

stint_totals run_stints(const stint_plan& plan) {
  if (plan.processes > k_most_processes) fail("too many processes");
  auto& shared = made_shared<shared_state>();
  const std::uint64_t wanted = plan.processes * plan.operations;
  const auto goes_on = [&] { return shared.operations() < wanted; };
  stint_totals totals;
  const auto start = clock_type::now();
  run_crew({.places = plan.processes + (plan.watch ? 1 : 0),
            .body =
                [&](std::size_t place, std::uint64_t life) {
                  if (place == plan.processes) return plan.watch(goes_on);
                  work(plan, shared, place, life);
                },
            .killed = [&](pid_t) { ++totals.kills; },
            .progress = [&] { return shared.operations(); },
            .state =
                [&](std::size_t place) {
                  return place == plan.processes ? "watches"
                                                 : std::to_string(shared.done[place]) + " operations";
                }});
  totals.operations = shared.operations();
  totals.seconds = std::chrono::duration<double>(clock_type::now() - start).count();
  return totals;
}
