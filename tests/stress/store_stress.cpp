// What an object store withstands: processes that use one at the same time are killed, over and over.
//
//   store_stress [mix|lifetimes] [--processes N] [--operations N] [--seed N] [--directory DIR]
//
// Prints a line of numbers for each of the two, or what did not hold, with status 1. What is random follows from the
// seed, but for what the scheduler does.

#include <filesystem>

#include "tests/stress/store_scenarios.hpp"
#include "tests/stress/stress_program.hpp"

int main(int, char** argv) {
  store_stress_options options;
  const auto in = [&options](void (*scenario)(const store_stress_options&)) {
    return [&options, scenario](const std::filesystem::path& directory) {
      options.directory = directory;
      scenario(options);
    };
  };
  return run_stress({.name = "store_stress",
                     .scenarios = {{"mix", in(kill_store_users)}, {"lifetimes", in(kill_last_users)}},
                     .numbers = {{"--processes", &options.processes},
                                 {"--operations", &options.operations},
                                 {"--seed", &options.seed}}},
                    argv + 1);
}
