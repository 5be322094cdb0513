#pragma once
// Calls of a cached function, int to int, and a cache that has many results of it.

#include <algorithm>
#include <cstddef>
#include <ranges>
#include <string>
#include <vector>

#include <larder/memory.hpp>
#include <larder/parallel.hpp>

#include "tools/benchmarks/bench.hpp"
#include "tools/benchmarks/floor.hpp"
#include "tools/benchmarks/shuffled.hpp"

namespace larder_bench {

inline int twice(int x) { return 2 * x; }

/// Calls of `twice`, in a directory of their own.
class cached_twice {
 public:
  explicit cached_twice(const std::string& directory)
      : function_(larder::memory(directory).cache("twice", twice, {.version = "1"})) {}

  void operator()(int x) const { keep(static_cast<double>(function_(x))); }
  std::string path(int x) const { return function_.call_and_shelve(x).path(); }

 private:
  decltype(larder::memory("").cache("twice", twice)) function_;
};

/// A cache in `directory` that has the results of `twice` for the numbers below `entries`. It is full already where
/// another group had one before.
class filled_cache {
 public:
  filled_cache(const std::string& directory, std::size_t entries)
      : calls_(directory + "/larder_bench-cache-of-" + std::to_string(entries)),
        entries_(entries),
        order_(entries) {
    const larder::parallel threads({.n_jobs = 2, .backend = larder::backend::threads});
    threads.map(std::views::iota(0, static_cast<int>(entries)), [this](int x) { calls_(x); });
  }

  /// Seconds of a hit.
  double same_hits() {
    calls_(7);
    return per_call([&] { calls_(7); });
  }
  /// Of entries that were used less than a minute ago, so that this use is not noted.
  double random_hits() {
    const auto hit = [this](int x) {
      calls_(x);
      return x;
    };
    return per_used(hits_, hit, hit);
  }
  /// Of others: each use is noted.
  double first_hits() {
    return per_call([&] { calls_(order_.next()); });
  }

  /// Seconds of open, read and close of such files as random_hits() reads.
  double random_reads() {
    return per_used(
        reads_, [this](int x) { return calls_.path(x); },
        [](const std::string& path) { keep(floor::read_file(path)); });
  }

 private:
  /// Seconds of `body` with things that `use` was given when the last measurement ended, so long ago that they are in no cache of the
  /// processors.
  template <class Used, class Use, class Body>
  double per_used(std::vector<Used>& ready, Use use, Body body) {
    constexpr std::size_t k_enough = 8000;
    const auto prepare = [&] {
      ready.clear();
      while (ready.size() < std::min(entries_, k_enough)) ready.push_back(use(order_.next()));
    };
    if (ready.empty()) prepare();
    std::size_t next = 0;
    const double seconds = per_call([&] { body(ready[next++ % ready.size()]); });
    prepare();
    return seconds;
  }

  cached_twice calls_;
  std::size_t entries_;
  shuffled order_;
  std::vector<int> hits_;
  std::vector<std::string> reads_;
};

}  // namespace larder_bench
