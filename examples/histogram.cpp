// One histogram that all workers fill in place: none has one of its own, and nothing is added up in the end.

#include <larder/larder.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <numeric>
#include <random>
#include <ranges>
#include <string>

namespace {

constexpr std::size_t k_count = 1'000'000;
constexpr std::size_t k_bins = 8;
constexpr std::size_t k_parts = 50;

/// Numbers in [0, 1), mostly in the middle.
larder::array<const double> measurements() {
  larder::array<double> values({k_count});
  std::mt19937 random(1);
  for (double& each : values.flat()) each = (double(random()) + double(random())) / 0x1p33;
  return values;
}

/// A task: sorts its part of the values into the bins. Other workers write to these at the same time.
void count(std::size_t part, const larder::array<const double>& values,
           const larder::array<std::int64_t>& bins) {
  const std::size_t size = k_count / k_parts;
  for (const double x : values.slice(0, part * size, (part + 1) * size).flat()) {
    larder::atomic(bins(static_cast<std::size_t>(x * k_bins))).fetch_add(1, std::memory_order_relaxed);
  }
}

}  // namespace

int main(int argc, char** argv) {
  larder::init(argc, argv);  // the workers are processes of this program, and begin here

  const auto values = measurements();
  const auto bins = larder::array<std::int64_t>::shared({k_bins});
  const larder::parallel pool({.n_jobs = 2, .backend = larder::backend::processes});
  pool.map(std::views::iota(std::size_t{0}, k_parts), count, values, bins);

  for (std::size_t i = 0; i < k_bins; ++i) {
    const auto length = static_cast<std::size_t>(bins(i) / 5'000);
    std::printf("%.3f %7lld %s\n", double(i) / k_bins, static_cast<long long>(bins(i)),
                std::string(length, '#').c_str());
  }
  const auto all = std::accumulate(bins.flat().begin(), bins.flat().end(), std::int64_t{0});
  std::printf("%lld\n", static_cast<long long>(all));
}
