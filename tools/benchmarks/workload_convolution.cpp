// Rows workload-convolve-*: the convolution of examples/convolve, of long spectra.

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include <larder/dump.hpp>
#include <larder/load.hpp>
#include <larder/memory.hpp>

#include "examples/convolve/built_in_spectrum.hpp"
#include "examples/convolve/convolution.hpp"
#include "tools/benchmarks/floor.hpp"
#include "tools/benchmarks/parallel_work.hpp"
#include "tools/benchmarks/workloads.hpp"

namespace larder_bench {
namespace {

using array = larder::array<const double>;

constexpr double k_resolution = 50'000;
constexpr double k_times = 200;

/// `times` copies of a spectrum, each shifted to where the one before it ends.
array repeated(const array& spectrum, std::size_t times) {
  const std::size_t n = spectrum.shape(0);
  const auto from = spectrum.view<2>();
  const double width = (from(n - 1, 0) - from(0, 0)) * static_cast<double>(n) / static_cast<double>(n - 1);
  auto all = larder::array<double>::uninitialized({times * n, 2});
  const auto at = all.view<2>();
  for (std::size_t i = 0; i < times * n; ++i) {
    at(i, 0) = from(i % n, 0) + width * static_cast<double>(i / n);
    at(i, 1) = from(i % n, 1);
  }
  return all;
}

std::vector<array> repeated_spectra(const std::filesystem::path& directory, std::size_t times) {
  std::vector<std::filesystem::path> paths;
  for (const auto& each : std::filesystem::directory_iterator(directory)) {
    if (each.path().extension() == ".npy") paths.push_back(each.path());
  }
  if (paths.empty()) throw std::runtime_error(directory.string() + ": has no .npy files");
  std::ranges::sort(paths);
  std::vector<array> spectra;
  for (const auto& path : paths) spectra.push_back(repeated(larder::load<array>(path), times));
  return spectra;
}

/// The spectra of the directory LARDER_BENCH_SPECTRA, made longer. Without it the one of the program, which is long.
std::vector<array> long_spectra(double share) {
  if (const char* const directory = std::getenv("LARDER_BENCH_SPECTRA")) {
    return repeated_spectra(directory, static_cast<std::size_t>(std::ceil(k_times * share)));
  }
  const array whole = convolve::built_in_spectrum();
  return {whole.slice(0, 0, static_cast<std::size_t>(share * static_cast<double>(whole.shape(0))))};
}

/// As examples/convolve/convolution.hpp defines it, by hand: windows that move along, on two threads.
array convolved_by_hand(const array& spectrum) {
  constexpr std::size_t k_points = 1024;  // that a thread takes at a time
  const std::size_t n = spectrum.shape(0);
  const auto at = spectrum.view<2>();
  auto result = larder::array<double>::uninitialized({n});
  std::atomic<std::size_t> next = 0;
  const auto window = [&](std::size_t begin) {
    std::size_t first = begin;
    while (first > 0 && at(begin, 0) - at(first - 1, 0) < 5 * at(begin, 0) / k_resolution) --first;
    std::size_t end = begin;
    for (std::size_t i = begin; i < std::min(n, begin + k_points); ++i) {
      const double w = at(i, 0);
      const double fwhm = w / k_resolution;
      const double sigma = fwhm / (2 * std::sqrt(2 * std::log(2.0)));
      while (w - at(first, 0) >= 5 * fwhm) ++first;
      while (end < n && at(end, 0) - w < 5 * fwhm) ++end;
      double sum = 0;
      double weights = 0;
      for (std::size_t s = first; s < end; ++s) {
        const double x = (at(s, 0) - w) / sigma;
        const double g = std::exp(-0.5 * x * x);
        sum += g * at(s, 1);
        weights += g;
      }
      result(i) = sum / weights;
    }
  };
  floor::on_two_threads([&](int) {
    for (std::size_t begin; (begin = next.fetch_add(k_points)) < n;) window(begin);
  });
  return result;
}

/// A spectrum on the disk, and what it should come to.
struct task {
  std::string path;
  array expected;
};

std::vector<task> written_tasks(bench& b) {
  std::vector<task> tasks;
  for (const array& each : long_spectra(workload_share(b))) {
    const std::string name = std::to_string(tasks.size()) + ".npy";
    tasks.push_back({b.file(b.set().disk, "workload-spectrum-" + name), convolved_by_hand(each)});
    larder::dump(each, tasks.back().path);
    larder::dump(tasks.back().expected, b.file(b.set().disk, "workload-convolved-" + name));
  }
  return tasks;
}

}  // namespace

void add_convolution(bench& b) {
  const std::vector<task> tasks = written_tasks(b);
  const larder::memory memory(b.set().disk + "/larder_bench-workload-convolve");
  const auto cached =
      memory.cache("convolve.convolved", convolve::convolved, {.version = "1", .ignore = {2, 3}});
  const auto convolved = [cached](const task& each) {
    return cached(larder::load<array>(each.path), k_resolution, int{k_parallel_workers},
                  larder::backend::threads);
  };
  const auto all = [tasks, convolved] {
    for (const task& each : tasks) keep(convolved(each)(0));
  };
  const auto check = [tasks, convolved] {
    for (const task& each : tasks) require_equal(convolved(each), each.expected);
  };

  b.add("workload-convolve-cold/larder", [memory, all, check] {
    memory.clear();
    settle();
    const double seconds = once(all);
    check();
    return seconds;
  });
  b.add("workload-convolve-cold/floor", [tasks] {
    settle();
    return once([&] {
      for (const task& each : tasks) keep(convolved_by_hand(larder::load<array>(each.path))(0));
    });
  });
  b.add("workload-convolve-cached/larder", [all, check] {
    check();
    return per_call(all);
  });
  b.add("workload-convolve-cached/floor", [tasks, cached] {
    std::vector<std::string> paths;
    for (const task& each : tasks) {
      paths.push_back(each.path);
      paths.push_back(cached
                          .call_and_shelve(larder::load<array>(each.path), k_resolution,
                                           int{k_parallel_workers}, larder::backend::threads)
                          .path());
    }
    return per_call([&] { std::ranges::for_each(paths, floor::map_and_touch); });
  });
}

}  // namespace larder_bench
