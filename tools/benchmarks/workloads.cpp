#include "tools/benchmarks/workloads.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace larder_bench {

double workload_share(const bench& b) {
  return std::min(1.0, static_cast<double>(b.set().large_bytes) / 800e6);
}

void require_equal(const larder::array<const double>& found, const larder::array<const double>& expected) {
  const auto is_near = [](double a, double b) {
    return std::abs(a - b) <= 1e-9 * std::max(1.0, std::abs(b));
  };
  if (!std::ranges::equal(found.flat(), expected.flat(), is_near)) {
    throw std::runtime_error("a result is not what it should be");
  }
}

void add_workloads(bench& b) {
  add_convolution(b);
  add_grid(b);
  add_row_sums(b);
}

}  // namespace larder_bench
