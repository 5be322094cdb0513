// The loops of rows parallel-*, and of curves grow-tasks and grow-task-length, by others.

#include <future>
#include <vector>

#include "tools/benchmarks/loop_growth.hpp"
#include "tools/benchmarks/parallel_work.hpp"

#if defined(LARDER_BENCH_TBB)
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/version.h>

#include <execution>  // libstdc++ has its parallel algorithms from oneTBB
#endif

namespace larder_bench {
namespace {

/// Each worker's share in one call, as there is a thread for each: the caller does the last one.
template <class F>
void run_async(std::size_t count, F f) {
  const auto share = [count, f](std::size_t worker) {
    const std::size_t end = count * (worker + 1) / k_parallel_workers;
    for (std::size_t i = count * worker / k_parallel_workers; i < end; ++i) f(i);
  };
  std::vector<std::future<void>> others;
  for (std::size_t worker = 0; worker + 1 < k_parallel_workers; ++worker) {
    others.push_back(std::async(std::launch::async, share, worker));
  }
  share(k_parallel_workers - 1);
  for (auto& each : others) each.get();
}

#if defined(LARDER_BENCH_TBB)

using oneapi::tbb::global_control;

/// Algorithms run over elements, here over numbers that lie in memory: the iterators of views::iota are input iterators to
/// them, over which they run on one thread. As many numbers as the largest loop so far has.
class indices {
 public:
  std::vector<std::size_t>::const_iterator begin() const { return numbers_.begin(); }
  std::vector<std::size_t>::const_iterator end(std::size_t count) {
    while (numbers_.size() < count) numbers_.push_back(numbers_.size());
    return begin() + static_cast<std::ptrdiff_t>(count);
  }

 private:
  std::vector<std::size_t> numbers_;
};

#endif

/// add(who, run) for each, where run(count, f) is as for add_loops.
template <class Add>
void each_peer(Add add) {
#if defined(LARDER_BENCH_TBB)
  const auto limit =
      std::make_shared<global_control>(global_control::max_allowed_parallelism, k_parallel_workers);
  add("tbb", [limit](std::size_t count, auto f) {
    oneapi::tbb::parallel_for(std::size_t{0}, count, f, oneapi::tbb::auto_partitioner());
  });
  add("std-par", [limit, numbers = std::make_shared<indices>()](std::size_t count, auto f) {
    const auto end = numbers->end(count);
    std::for_each(std::execution::par, numbers->begin(), end, f);
  });
#endif
#ifdef _OPENMP
  add("openmp", [](std::size_t count, auto f) {
#pragma omp parallel for num_threads(k_parallel_workers) schedule(dynamic)
    for (std::size_t i = 0; i < count; ++i) f(i);
  });
  add("openmp-static", [](std::size_t count, auto f) {
#pragma omp parallel for num_threads(k_parallel_workers) schedule(static)
    for (std::size_t i = 0; i < count; ++i) f(i);
  });
#endif
  add("std-async", [](std::size_t count, auto f) { run_async(count, f); });
}

}  // namespace

void add_parallel_peers(bench& b) {
  each_peer([&b](const char* who, auto run) { add_loops(b, who, run); });
}

void add_loop_growth_of_peers(bench& b) {
  each_peer([&b](const char* who, auto run) { add_loop_growth(b, who, run); });
}

void add_parallel_peer_versions(peer_versions& versions) {
  versions["tbb"] = versions["std-par"] = versions["openmp"] = versions["openmp-static"] = std::nullopt;
  const std::string library = "libstdc++ " + std::to_string(_GLIBCXX_RELEASE);
  versions["std-async"] = library;
#if defined(LARDER_BENCH_TBB)
  versions["tbb"] = ::TBB_runtime_version();
  versions["std-par"] = library + " with oneTBB " + ::TBB_runtime_version();
#endif
#ifdef _OPENMP
  versions["openmp"] = versions["openmp-static"] = "of " + std::to_string(_OPENMP);
#endif
}

}  // namespace larder_bench
