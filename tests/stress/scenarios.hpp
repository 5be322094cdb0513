#pragma once
// What cache_stress does; each ends the program where something does not hold, and prints a line of numbers otherwise.

#include <cstddef>
#include <cstdint>
#include <filesystem>

struct stress_options {
  std::uint64_t processes = 64;
  std::uint64_t keys = 200;
  std::uint64_t kills = 10'000;  // of the mix
  std::uint64_t seed = 1;
  std::filesystem::path directory;  // empty, and for this run alone
};

/// Many processes want the same results, and a third of those who compute one is killed while they do. Each key is computed by
/// one process at a time, and again only when who computed it was killed.
void kill_owners(const stress_options& options);

/// Processes that do everything that one can do with a cache, killed at random moments: no wrong value, nothing lost that was
/// stored and that nobody removed, nothing left behind.
void kill_a_mix(const stress_options& options);
