#pragma once
// What the tests of the backend processes share. Their functions have no captures: what they need are arguments.

#include <set>
#include <utility>
#include <vector>

#include <sys/types.h>
#include <unistd.h>

#include <larder/parallel.hpp>

#include "tests/pools.hpp"

/// Two workers, unless the options say otherwise.
inline larder::parallel process_pool(larder::parallel_options options = {}) {
  if (!options.n_jobs) options.n_jobs = 2;
  options.backend = larder::backend::processes;
  return larder::parallel(std::move(options));
}

/// The processes that tasks of a pool run in, at least one.
inline std::set<pid_t> processes_of(const larder::parallel& pool, int tasks = 64) {
  const auto pids = pool.map(numbers(tasks), [](int) { return ::getpid(); });
  return {pids.begin(), pids.end()};
}
