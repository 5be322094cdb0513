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
      : function_(larder::memory(directory).cache("twice", twice, {.version = "1"})),
        entries_(directory + "/twice/v-1/") {}

  void operator()(int x) const { keep(static_cast<double>(function_(x))); }
  /// Where the result is, as docs/format.md has it: nothing is read.
  std::string path(int x) const {
    const std::string key = function_.key(x).hex();
    return entries_ + key.substr(0, 2) + "/" + key.substr(2);
  }

 private:
  decltype(larder::memory("").cache("twice", twice)) function_;
  std::string entries_;
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
  double random_hits() {
    return per_call([&] { calls_(order_.next()); });
  }

  /// Seconds of open, read and close of such files: of others, since the first who reads one has the system note that.
  double random_reads() {
    constexpr std::size_t k_enough = 5000;
    std::vector<std::string> paths(std::min(entries_, k_enough));
    std::ranges::generate(paths, [&] { return calls_.path(order_.next()); });
    std::size_t next = 0;
    return per_call([&] { keep(floor::read_file(paths[next++ % paths.size()])); });
  }

 private:
  cached_twice calls_;
  std::size_t entries_;
  shuffled order_;
};

}  // namespace larder_bench
