// The loops of rows parallel-* by oneTBB and by OpenMP.

#include "tools/benchmarks/parallel_work.hpp"

#if defined(LARDER_BENCH_TBB)
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_for.h>
#endif

namespace larder_bench {

void add_parallel_peers([[maybe_unused]] bench& b) {
#if defined(LARDER_BENCH_TBB)
  using oneapi::tbb::global_control;
  const auto limit =
      std::make_shared<global_control>(global_control::max_allowed_parallelism, k_parallel_workers);
  add_loops(b, "tbb", [limit](std::size_t count, auto f) {
    oneapi::tbb::parallel_for(std::size_t{0}, count, f, oneapi::tbb::auto_partitioner());
  });
#endif
#ifdef _OPENMP
  add_loops(b, "openmp", [](std::size_t count, auto f) {
#pragma omp parallel for num_threads(k_parallel_workers) schedule(dynamic)
    for (std::size_t i = 0; i < count; ++i) f(i);
  });
  add_loops(b, "openmp-static", [](std::size_t count, auto f) {
#pragma omp parallel for num_threads(k_parallel_workers) schedule(static)
    for (std::size_t i = 0; i < count; ++i) f(i);
  });
#endif
}

}  // namespace larder_bench
