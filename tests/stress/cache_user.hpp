#pragma once
// One process of the mix: what it does with the caches, at random.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <random>

#include "tests/stress/scenarios.hpp"

inline constexpr std::size_t k_mixed_functions = 6;
inline constexpr std::size_t k_most_kept_keys = 100'000;

/// What all of them share.
struct mix_state {
  std::atomic<std::uint64_t> operations = 0;
  std::atomic<std::uint64_t> computations = 0;
  std::atomic<std::uint64_t> evictions = 0;
  std::atomic<std::uint64_t> kills = 0;
  std::atomic<std::uint64_t> left_behind = 0;  // temporary files
  /// Whether somebody was told that an entry of the cache that keeps everything is there, by function and key.
  std::array<std::array<std::atomic<bool>, k_most_kept_keys>, k_mixed_functions> acknowledged{};
};
inline mix_state* the_mix = nullptr;

/// Of the cache that keeps everything, which grows as long as the mix goes on.
int kept_keys();

/// Goes on until there were enough kills.
void use_caches(const stress_options& options, std::mt19937& random);

/// Nobody else is there any more: everything is in order, can be removed without leaving anything, and goes on working.
void check_caches(const stress_options& options);
