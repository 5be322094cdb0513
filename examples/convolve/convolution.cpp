#include "examples/convolve/convolution.hpp"

#include <larder/create.hpp>
#include <larder/error.hpp>
#include <larder/parallel.hpp>

#include <cmath>
#include <cstddef>
#include <filesystem>
#include <ranges>
#include <system_error>

namespace convolve {

namespace {

/// n elements in a mapped file without a name, which a killed process cannot leave behind. In anonymous memory where the
/// directory for temporary files is missing or full. Either is shared with processes that tasks run in, which write to it.
larder::array<double> result_space(std::size_t n) {
  std::error_code missing;
  const std::filesystem::path directory = std::filesystem::temp_directory_path(missing);
  if (!missing) {
    try {
      // Never sealed, so never under this name.
      return larder::create<double>(directory / "convolve-result.npy", {n}).array();
    } catch (const larder::io_error&) {
    }
  }
  return larder::array<double>::shared({n});
}

/// A Gaussian of a resolving power, over the samples of a spectrum.
class kernel {
 public:
  kernel(larder::array_view<const double, 2> samples, double resolution)
      : samples_(samples), count_(samples.shape(0)), resolution_(resolution) {}

  /// The result at the wavelength of sample i.
  double operator()(std::size_t i) const {
    const double w = samples_(i, 0);
    const double fwhm = w / resolution_;
    const double sigma = fwhm / (2 * std::sqrt(2 * std::log(2.0)));
    if (!(sigma > 0)) return samples_(i, 1);  // narrower than a double can say: nothing else is near
    const auto is_below = [&](std::size_t s) { return w - samples_(s, 0) >= 5 * fwhm; };
    const auto is_near = [&](std::size_t s) { return samples_(s, 0) - w < 5 * fwhm; };
    const std::size_t first = partition_point(0, i, is_below);
    const std::size_t end = partition_point(i, count_, is_near);
    double sum = 0;
    double weights = 0;
    for (std::size_t s = first; s < end; ++s) {
      // Divided before it is squared, so that nothing overflows or vanishes on the way.
      const double x = (samples_(s, 0) - w) / sigma;
      const double g = std::exp(-0.5 * x * x);
      sum += g * samples_(s, 1);
      weights += g;
    }
    return sum / weights;
  }

 private:
  /// The first of [begin, end) for which `holds` does not hold; it holds for all before and for none after.
  template <class Predicate>
  static std::size_t partition_point(std::size_t begin, std::size_t end, Predicate holds) {
    return *std::ranges::partition_point(std::views::iota(begin, end), holds);
  }

  larder::array_view<const double, 2> samples_;
  std::size_t count_;
  double resolution_;
};

/// Task i. What it needs are its arguments, so that it can go to other processes.
void convolve_at(std::size_t i, const larder::array<const double>& spectrum, double resolution,
                 const larder::array<double>& result) {
  result(i) = kernel(spectrum.view<2>(), resolution)(i);
}

}  // namespace

larder::array<const double> convolved(const larder::array<const double>& spectrum, double resolution,
                                      int jobs, larder::backend where) {
  const std::size_t n = spectrum.shape(0);
  const larder::array<double> result = result_space(n);
  const larder::parallel pool({.n_jobs = jobs, .backend = where});
  pool.map(std::views::iota(std::size_t{0}, n), convolve_at, spectrum, resolution, result);
  return result;
}

}  // namespace convolve
