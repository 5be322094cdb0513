#pragma once
// What store_stress does; each ends the program where something does not hold, and prints a line of numbers otherwise.

#include <cstdint>
#include <filesystem>

struct store_stress_options {
  std::uint64_t processes = 32;
  std::uint64_t operations = 10'000;  // of each process
  std::uint64_t seed = 1;
  std::filesystem::path directory{};  // empty, and for this run alone
};

/// Processes that do everything that one can do with a store of limited capacity, and of which a third is killed on the way: no
/// damaged object and no mixed one, nothing left behind after a sweep, and never more bytes than the capacity and one object per process.
void kill_store_users(const store_stress_options& options);

/// Processes that open and leave stores that live until their last user ends, and are killed while they do: as long as one has
/// a store open, it has what was put into it, and when the last one is gone, so is the store.
void kill_last_users(const store_stress_options& options);
