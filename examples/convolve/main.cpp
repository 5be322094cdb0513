// convolve: a stellar spectrum as instruments of several resolving powers see it.
//
//   convolve star.npy --resolutions 20000,50000 --output seen.npy
//
// Each resolving power is one call of a cached function, whose points are a parallel map over the mapped
// spectrum, into a mapped result. Called again, by any process, it computes nothing.

#include <larder/create.hpp>
#include <larder/error.hpp>
#include <larder/init.hpp>
#include <larder/log.hpp>
#include <larder/memory.hpp>
#include <larder/parallel_config.hpp>

#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "examples/convolve/complaint.hpp"
#include "examples/convolve/convolution.hpp"
#include "examples/convolve/number_text.hpp"
#include "examples/convolve/options.hpp"
#include "examples/convolve/report.hpp"
#include "examples/convolve/spectrum.hpp"

namespace convolve {

namespace {

constexpr int k_bad_input = 2;
constexpr int k_failed = 1;

/// Throws if there will be no way to write the file; writes nothing.
void check_output(const options& wanted) {
  if (wanted.output.empty()) return;
  std::error_code absent;
  if (std::filesystem::equivalent(wanted.output, wanted.spectrum, absent)) {
    throw std::runtime_error(wanted.output.string() +
                             ": is the spectrum itself; name another file for --output");
  }
  larder::create<double>(wanted.output, {1});  // has no name yet, and never gets one
}

/// The cache, or one that keeps nothing and a warning where the directory is not fit to be one.
struct cache {
  larder::memory memory;
  std::string warning;
};

cache open_cache(const std::filesystem::path& location) {
  try {
    return {larder::memory(location), {}};
  } catch (const larder::error& unfit) {
    return {larder::memory({}), unfit.what()};
  }
}

/// On a terminal there is a bar for what is computed.
larder::parallel_options progress_of(double resolution) {
  if (isatty(STDERR_FILENO) != 1) return {};
  return {.progress = "R = " + number_text(resolution)};
}

void convolve_all(const options& wanted, const spectrum& from, const larder::memory& memory) {
  const auto samples = from.samples;
  const std::size_t n = samples.shape(0);
  const auto cached = memory.cache("convolve.convolved", convolved, {.version = "1", .ignore = {2, 3}});

  std::optional<larder::array_writer<double>> output;
  if (!wanted.output.empty()) {
    output = larder::create<double>(wanted.output, {n, 1 + wanted.resolutions.size()});
    output->array().transpose().sub(0).assign(samples.transpose().sub(0));
  }
  report rows(from, wanted.resolutions);
  for (std::size_t i = 0; i < wanted.resolutions.size(); ++i) {
    const auto start = std::chrono::steady_clock::now();
    const larder::parallel_config shown(progress_of(wanted.resolutions[i]));
    const auto result = cached.evaluate(samples, wanted.resolutions[i], wanted.jobs, wanted.backend);
    rows.row(wanted.resolutions[i], result.how, std::chrono::steady_clock::now() - start);
    if (output) output->array().transpose().sub(i + 1).assign(result.value);
  }
  if (output) std::move(*output).seal();
}

int run(int argc, const char* const* argv) {
  int status = k_bad_input;
  try {
    const auto wanted = read_options(argc, argv);
    if (!wanted) return 0;
    check_output(*wanted);
    const auto [memory, warning] = open_cache(wanted->cache);
    const spectrum from = read_spectrum(wanted->spectrum, memory);
    status = k_failed;  // from here on it is not the input's fault
    if (!warning.empty()) complain("warning: " + warning + "; nothing is cached");
    convolve_all(*wanted, from, memory);
    return 0;
  } catch (const std::bad_alloc&) {
    complain("not enough memory");
  } catch (const std::exception& fault) {
    complain(fault.what());
  }
  return status;
}

}  // namespace

}  // namespace convolve

int main(int argc, char** argv) {
  larder::init(argc, argv);  // where --backend processes has its workers begin
  larder::set_log_hook([](larder::log_level level, std::string_view text) {
    if (level == larder::log_level::warning) convolve::complain("warning: " + std::string(text));
  });
  return convolve::run(argc, argv);
}
