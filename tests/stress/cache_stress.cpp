// What a cache withstands: processes that use one directory at the same time are killed, over and over.
//
//   cache_stress [owners|mix] [--processes N] [--keys N] [--kills N] [--seed N] [--directory DIR]
//
// Prints a line of numbers for each of the two, or what did not hold, with status 1. What is random follows from the
// seed, but for what the scheduler does.

#include <filesystem>

#include "tests/stress/scenarios.hpp"
#include "tests/stress/stress_program.hpp"

int main(int, char** argv) {
  stress_options options;
  const auto in = [&options](void (*scenario)(const stress_options&)) {
    return [&options, scenario](const std::filesystem::path& directory) {
      options.directory = directory;
      scenario(options);
    };
  };
  return run_stress({.name = "cache_stress",
                     .scenarios = {{"owners", in(kill_owners)}, {"mix", in(kill_a_mix)}},
                     .numbers = {{"--processes", &options.processes},
                                 {"--keys", &options.keys},
                                 {"--kills", &options.kills},
                                 {"--seed", &options.seed}}},
                    argv + 1);
}
