// Rows workload-grid-*: a grid of cached calls in parallel, computed, and once more with a tenth of the parameters changed.

#include <chrono>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <string>
#include <vector>

#include <larder/memory.hpp>
#include <larder/parallel.hpp>

#include "tools/benchmarks/parallel_work.hpp"
#include "tools/benchmarks/workloads.hpp"

namespace larder_bench {
namespace {

constexpr int k_calls = 1000;
constexpr double k_scale = 0.1;  // of calls of 1 to 50 ms

/// Of call i: from 0.1 to 5 ms, evenly, in no order; the calls whose numbers have the same last digit are a tenth of the work.
double seconds_of(int i, double share) { return k_scale * share * (1e-3 + 49e-3 * (i / 10 * 37 % 100) / 99); }

double value(int i, int version) { return i + 1e-3 * version; }

double computed(int i, int version, double seconds) {
  busy_for(std::chrono::nanoseconds(static_cast<long>(seconds * 1e9)));
  return value(i, version);
}

class grid {
 public:
  grid(const std::string& directory, double share)
      : memory_(directory),
        cached_(memory_.cache("workload.computed", computed, {.version = "1"})),
        pool_({.n_jobs = k_parallel_workers, .backend = larder::backend::threads}),
        share_(share) {}

  void forget() const { memory_.clear(); }

  /// Of a tenth of the calls, each time another one.
  void change_a_tenth() {
    ++changes_;
    for (int i = changes_ % 10; i < k_calls; i += 10) versions_[static_cast<std::size_t>(i)] = changes_;
  }

  /// Seconds of all calls.
  double run() const {
    std::vector<double> results;
    const auto version_of = [this](int i) { return versions_[static_cast<std::size_t>(i)]; };
    settle();
    const double seconds = once([&] {
      results = pool_.map(std::views::iota(0, k_calls),
                          [&](int i) { return cached_(i, version_of(i), seconds_of(i, share_)); });
    });
    for (int i = 0; i < k_calls; ++i) {
      if (results[static_cast<std::size_t>(i)] != value(i, version_of(i))) {
        throw std::runtime_error("a call of the grid returned what another one should");
      }
    }
    return seconds;
  }

  /// The least that they can take.
  double computing_seconds() const {
    double all = 0;
    for (int i = 0; i < k_calls; ++i) all += seconds_of(i, share_);
    return all / k_parallel_workers;
  }

 private:
  larder::memory memory_;
  decltype(memory_.cache("", computed)) cached_;
  larder::parallel pool_;
  double share_;
  int changes_ = 0;
  std::vector<int> versions_ = std::vector<int>(k_calls);
};

}  // namespace

void add_grid(bench& b) {
  const auto fresh =
      std::make_shared<grid>(b.set().disk + "/larder_bench-workload-grid-first", workload_share(b));
  const auto kept = std::make_shared<grid>(b.set().disk + "/larder_bench-workload-grid", workload_share(b));
  const double least = kept->computing_seconds();
  const auto run_changed = [kept] {
    kept->run();
    kept->change_a_tenth();
    return kept->run();
  };

  b.add("workload-grid-first/larder", [fresh] {
    fresh->forget();
    return fresh->run();
  });
  b.add("workload-grid-first/floor", [least] { return least; });
  b.add("workload-grid-changed/larder", run_changed);
  b.add("workload-grid-changed/floor", [least] { return least / 10; });
  b.add("workload-grid-overhead/larder",
        [run_changed, least] { return (run_changed() - least / 10) / k_calls; });
  b.add("workload-grid-hits/larder", [kept] {
    kept->run();
    return kept->run() / k_calls;
  });
}

}  // namespace larder_bench
