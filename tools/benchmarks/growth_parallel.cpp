// Curves grow-tasks and grow-task-length by larder's threads, and what they have to do by hand.

#include <cstddef>
#include <memory>
#include <ranges>

#include <larder/parallel.hpp>

#include "tools/benchmarks/bench.hpp"
#include "tools/benchmarks/loop_growth.hpp"
#include "tools/benchmarks/parallel_work.hpp"

namespace larder_bench {

void add_growth_of_parallel(bench& b) {
  const auto threads = std::make_shared<larder::parallel>(
      larder::parallel_options{.n_jobs = k_parallel_workers, .backend = larder::backend::threads});
  add_loop_growth(b, "larder", [threads](std::size_t count, auto f) {
    threads->map(std::views::iota(std::size_t{0}, count), f);
  });
  // The share of one worker, which the others would do meanwhile.
  add_loop_growth(b, "floor", [](std::size_t count, auto f) {
    for (std::size_t i = 0; i < count / k_parallel_workers; ++i) f(i);
  });
  add_loop_growth_of_peers(b);
}

}  // namespace larder_bench
