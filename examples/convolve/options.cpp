#include "examples/convolve/options.hpp"

#include <larder/version.hpp>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <charconv>
#include <cmath>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "examples/convolve/number_text.hpp"

namespace convolve {

namespace {

/// The whole of `text` as a number, whatever the locale; without a value where it is anything else.
template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

[[noreturn]] void refuse(std::string_view option, std::string_view value, std::string_view expected) {
  throw std::runtime_error(std::string(option) + ": expected " + std::string(expected) + ", found '" +
                           std::string(value) + "'");
}

std::optional<larder::backend> backend_named(std::string_view name) {
  if (name == "threads") return larder::backend::threads;
  if (name == "fork") return larder::backend::fork;
  if (name == "processes") return larder::backend::processes;
  return std::nullopt;
}

/// Appends the resolving powers of one comma-separated list.
void append_resolutions(std::string_view list, std::vector<double>& to) {
  for (;;) {
    const auto comma = list.find(',');
    const std::string_view item = list.substr(0, comma);
    const auto value = number<double>(item);
    if (!value || !std::isfinite(*value) || !(*value > 0)) {
      refuse("--resolutions", item, "positive numbers separated by commas");
    }
    to.push_back(*value);
    if (comma == std::string_view::npos) return;
    list.remove_prefix(comma + 1);
  }
}

}  // namespace

std::optional<options> read_options(int argc, const char* const* argv) {
  options read;
  std::string spectrum;
  std::string cache = read.cache.string();
  std::string output;
  std::string jobs;
  std::string backend;
  std::vector<std::string> resolutions;

  std::string default_resolutions;
  for (const double r : read.resolutions)
    default_resolutions += (r == read.resolutions[0] ? "" : ",") + number_text(r);

  CLI::App app{
      "Shows a spectrum as instruments of several resolving powers see it: convolved with a Gaussian\n"
      "whose full width at half maximum is wavelength / R. What was computed once comes from the cache\n"
      "ever after."};
  app.name("convolve");
  app.add_option("SPECTRUM", spectrum,
                 "An .npy file of shape (n, 2) and float64, or text of two columns:\n"
                 "wavelength in nm, ascending, and flux. Default: a built-in one")
      ->option_text(" ");
  // Values stay text until CLI11 is done: its own conversions accept more than what stands in the help. The type names
  // are for its messages.
  app.add_option("--resolutions", resolutions,
                 "Resolving powers, separated by commas. Default: " + default_resolutions)
      ->type_name("LIST")
      ->allow_extra_args(false);
  app.add_option("--cache", cache, "Where results are kept. Default: " + cache)->type_name("DIR");
  app.add_option("--jobs", jobs,
                 "Workers; -1: as many as processors, -2: one less. Default: " + std::to_string(read.jobs))
      ->type_name("N");
  app.add_option("--backend", backend,
                 "What workers are: threads; fork: processes made for each R; or processes,\n"
                 "which stay for all. Default: threads")
      ->type_name("NAME");
  app.add_option("--output", output, "Writes an .npy of shape (n, 1 + number of Rs): wavelengths, results")
      ->type_name("FILE");
  app.set_help_flag("-h,--help", "Prints this help");
  app.set_version_flag("--version", "convolve (larder) " + std::string(larder::version),
                       "Prints the version");

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {
    app.exit(asked);
    return std::nullopt;
  }

  if (app.count("SPECTRUM") > 0 && spectrum.empty()) refuse("SPECTRUM", spectrum, "the name of a file");
  if (app.count("--output") > 0 && output.empty()) refuse("--output", output, "the name of a file");
  if (cache.empty()) refuse("--cache", cache, "the name of a directory");
  if (!resolutions.empty()) read.resolutions.clear();
  for (const std::string& list : resolutions) append_resolutions(list, read.resolutions);
  if (app.count("--jobs") > 0) {
    const auto value = number<int>(jobs);
    if (!value || *value == 0) refuse("--jobs", jobs, "a number other than 0");
    read.jobs = *value;
  }
  if (app.count("--backend") > 0) {
    const auto value = backend_named(backend);
    if (!value) refuse("--backend", backend, "threads, fork or processes");
    read.backend = *value;
  }
  read.spectrum = spectrum;
  read.cache = cache;
  read.output = output;
  return read;
}

}  // namespace convolve
