#include <chrono>
#include <cstdio>
#include <random>
#include <string>

#include "tests/stress/cache_user.hpp"
#include "tests/stress/crew.hpp"
#include "tests/stress/scenarios.hpp"

namespace {

/// As long as it takes to do something, where each of the processes has its share of two cores.
constexpr std::uint64_t k_longest_life = 6'000'000;  // ns

void live(const stress_options& options, std::size_t place, std::uint64_t life) {
  std::seed_seq seeds{options.seed, static_cast<std::uint64_t>(place), life};
  std::mt19937 random(seeds);
  std::uniform_int_distribution<std::uint64_t> time(0, options.processes * k_longest_life);
  die_in(std::chrono::nanoseconds(time(random)));
  use_caches(options, random);
}

}  // namespace

void kill_a_mix(const stress_options& options) {
  the_mix = &made_shared<mix_state>();
  const auto start = std::chrono::steady_clock::now();
  run_crew({.places = options.processes,
            .body = [&](std::size_t place, std::uint64_t life) { live(options, place, life); },
            .killed = [](pid_t) { ++the_mix->kills; },
            .progress = [] { return the_mix->operations.load(); },
            .state = [](std::size_t) { return "is there"; }});
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  check_caches(options);
  const auto number = [](const std::atomic<std::uint64_t>& of) {
    return static_cast<unsigned long long>(of.load());
  };
  std::printf(
      "mix: %zu processes, %llu kills, %llu operations, %llu computations, %llu evictions, %llu temporary "
      "files left behind, %.1f s\n",
      options.processes, number(the_mix->kills), number(the_mix->operations), number(the_mix->computations),
      number(the_mix->evictions), number(the_mix->left_behind), seconds.count());
}
