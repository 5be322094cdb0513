// A question that is often asked about pools of processes: how does a large array get to all workers without being copied for
// each task?
//
// It is an argument, and that is all. The first call moves it to memory that the workers can map; from then on it costs
// microseconds to pass it, whatever its size.

#include <larder/larder.hpp>

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <numeric>
#include <ranges>

namespace {

constexpr int k_tasks = 20;

std::size_t length(int /*task*/, const larder::array<const double>& numbers) { return numbers.size(); }

/// Of one part of k_tasks.
double part_sum(std::size_t part, const larder::array<const double>& numbers) {
  const std::size_t size = numbers.size() / k_tasks;
  const auto values = numbers.slice(0, part * size, (part + 1) * size).flat();
  return std::accumulate(values.begin(), values.end(), 0.0);
}

}  // namespace

int main(int argc, char** argv) {
  larder::init(argc, argv);  // the workers are processes of this program, and begin here

  larder::array<double> numbers({10'000'000});  // 80 MB
  std::iota(numbers.flat().begin(), numbers.flat().end(), 0.0);
  const larder::array<const double> shared = numbers;  // mapped once in each worker, to be read only

  const larder::parallel pool({.n_jobs = 2, .backend = larder::backend::processes});
  for (const char* const which : {"first", "second"}) {
    const auto begin = std::chrono::steady_clock::now();
    const auto lengths = pool.map(std::views::iota(0, k_tasks), length, shared);
    const std::chrono::duration<double, std::micro> taken = std::chrono::steady_clock::now() - begin;
    std::printf("%s call: %d times %zu\n", which, k_tasks, lengths.back());
    std::fprintf(stderr, "in %.0f us\n", taken.count());
  }
  const auto sums = pool.map(std::views::iota(std::size_t{0}, std::size_t{k_tasks}), part_sum, shared);
  std::printf("sum: %.0f\n", std::accumulate(sums.begin(), sums.end(), 0.0));
}
