// Rows workload-row-sums*: the example that joblib's documentation has for memmaps. Worker processes sum the rows of a large array and
// write what comes out into an array that they share.

#include <atomic>
#include <memory>
#include <numeric>
#include <random>
#include <ranges>
#include <string>
#include <utility>

#include <larder/dump.hpp>
#include <larder/parallel.hpp>

#include "tools/benchmarks/floor.hpp"
#include "tools/benchmarks/parallel_work.hpp"
#include "tools/benchmarks/workloads.hpp"

namespace larder_bench {
namespace {

using array = larder::array<const double>;

constexpr std::size_t k_rows = 10;

larder::array<double> normals(std::size_t columns) {
  auto a = larder::array<double>::uninitialized({k_rows, columns});
  std::mt19937_64 bits(42);
  std::normal_distribution<double> normal;
  for (double& each : a.flat()) each = normal(bits);
  return a;
}

void sum_row(std::size_t i, const array& samples, const larder::array<double>& sums) {
  const auto row = samples.sub(i).flat();
  sums(i) = std::reduce(row.begin(), row.end());
}

larder::array<double> sums_by_hand(const array& samples) {
  auto sums = larder::array<double>::uninitialized({k_rows});
  std::atomic<std::size_t> next = 0;
  floor::on_two_threads([&](int) {
    for (std::size_t row; (row = next.fetch_add(1)) < k_rows;) sum_row(row, samples, sums);
  });
  return sums;
}

}  // namespace

void add_row_sums(bench& b) {
  const auto columns = static_cast<std::size_t>(1e6 * workload_share(b));
  const larder::array<double> samples = normals(columns);
  const array expected = sums_by_hand(samples);
  larder::dump(samples, b.file(b.set().disk, "workload-samples.npy"));

  const auto pool = std::make_shared<larder::parallel>(
      larder::parallel_options{.n_jobs = k_parallel_workers, .backend = larder::backend::processes});
  const auto timed = [pool, expected](const array& a) {
    pool->map(std::views::iota(0, 2), [](int) {});  // the workers are there
    settle();
    larder::array<double> sums;
    const double seconds = once([&] {
      sums = larder::array<double>::shared({k_rows});
      pool->map(std::views::iota(std::size_t{0}, k_rows), sum_row, a, sums);
    });
    require_equal(sums, expected);
    return seconds;
  };
  b.add("workload-row-sums/larder", [timed, samples] { return timed(samples.copy()); });
  b.add("workload-row-sums-shared/larder", [timed, samples, shared = array()]() mutable {
    if (shared.size() == 0) {
      auto made = larder::array<double>::shared({samples.shape(0), samples.shape(1)});
      made.assign(samples);
      shared = std::move(made);
      timed(shared);
    }
    return timed(shared);
  });
  b.add("workload-row-sums-shared/floor", [samples] {
    settle();
    return once([&] { keep(sums_by_hand(samples)(0)); });
  });
}

}  // namespace larder_bench
