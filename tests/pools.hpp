#pragma once
// Pools on each backend, for what has to hold on all of them.

#include <array>
#include <string>

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
