#pragma once
// What the tests of the backend fork share.

#include <cstddef>
#include <utility>

#include <larder/array.hpp>
#include <larder/parallel.hpp>

#include "tests/pools.hpp"

/// Two workers, unless the options say otherwise.
inline larder::parallel fork_pool(larder::parallel_options options = {}) {
  if (!options.n_jobs) options.n_jobs = 2;
  return larder::parallel(on(larder::backend::fork, std::move(options)));
}

inline larder::array<double> filled(std::size_t count, double value) {
  larder::array<double> a({count});
  a.fill(value);
  return a;
}
