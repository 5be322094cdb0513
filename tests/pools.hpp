#pragma once
// Pools on each backend, for what has to hold on all of them, and what tests of any pool need.

#include <array>
#include <cstddef>
#include <list>
#include <numeric>
#include <optional>
#include <ranges>
#include <string>
#include <utility>

#include <larder/parallel.hpp>

#include "tests/sanitizers.hpp"

inline constexpr std::array k_backends{larder::backend::sequential, larder::backend::threads,
                                       larder::backend::fork};

inline std::string name_of(larder::backend which) {
  switch (which) {
    case larder::backend::sequential:
      return "sequential";
    case larder::backend::threads:
      return "threads";
    default:
      return "fork";
  }
}

/// The thread sanitizer has a thread of its own, beside which fork is refused otherwise.
inline larder::parallel_options on(larder::backend which, larder::parallel_options options = {}) {
  options.backend = which;
#if LARDER_TEST_THREAD_SANITIZER
  options.allow_threads = true;
#endif
  return options;
}

/// 0, 1, ...: with random access,
inline auto numbers(int count) { return std::views::iota(0, count); }
/// and without.
inline std::list<int> listed(int count) {
  std::list<int> all(static_cast<std::size_t>(count));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

/// What a call throws, if it is an E.
template <class E, class Call>
std::optional<E> caught(Call call) {
  try {
    call();
  } catch (const E& e) {
    return e;
  }
  return std::nullopt;
}
