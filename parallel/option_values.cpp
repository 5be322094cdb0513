#include "parallel/option_values.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <system_error>

#include <larder/error.hpp>

#include "src/byte_size.hpp"

namespace larder::detail {
namespace {

constexpr std::string_view k_n_jobs_rule =
    "it has to be a number of workers, or negative: -1 for all processors, -2 for all but one";
constexpr std::string_view k_pre_dispatch_rule =
    "it has to be at least 1, \"n_jobs\", a multiple of it such as \"2*n_jobs\" or \"1.5*n_jobs\", or "
    "\"all\"";

[[noreturn]] void refuse(std::string_view name, std::string_view value, std::string_view allowed) {
  throw value_error("parallel: " + std::string(name) + " is " + std::string(value) + "; " +
                    std::string(allowed));
}

std::string shown(const number_or_text& value) {
  return value.text() != nullptr ? '"' + *value.text() + '"' : std::to_string(*value.number());
}

template <class Enum>
std::string shown_enum(Enum value) {
  return "an unknown value (" + std::to_string(static_cast<long long>(value)) + ")";
}

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  return text.substr(0, text.find_last_not_of(' ') + 1);
}

/// All of the text as a number, or nothing.
template <class Number, class... Format>
std::optional<Number> number_of(std::string_view text, Format... format) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, format...);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// A number, or the text of one.
std::optional<long long> whole_number(const number_or_text& value) {
  return value.number() != nullptr ? *value.number() : number_of<long long>(trimmed(*value.text()));
}

/// What n_jobs is multiplied with in "2*n_jobs", or nothing.
std::optional<double> multiple_of_n_jobs(std::string_view text) {
  constexpr std::string_view k_n_jobs = "n_jobs";
  text = trimmed(text);
  if (!text.ends_with(k_n_jobs)) return std::nullopt;
  text = trimmed(text.substr(0, text.size() - k_n_jobs.size()));
  if (text.empty()) return 1.0;
  if (!text.ends_with('*')) return std::nullopt;
  const auto factor = number_of<double>(trimmed(text.substr(0, text.size() - 1)), std::chars_format::fixed);
  return factor && std::isfinite(*factor) && *factor > 0 ? factor : std::nullopt;
}

}  // namespace

void check_n_jobs(long long n_jobs, std::string_view name) {
  if (n_jobs == 0) refuse(name, "0", k_n_jobs_rule);
}

int n_jobs_of(std::string_view text, std::string_view name) {
  const auto n_jobs = number_of<int>(trimmed(text));
  if (!n_jobs) refuse(name, '"' + std::string(text) + '"', k_n_jobs_rule);
  check_n_jobs(*n_jobs, name);
  return *n_jobs;
}

constexpr std::string_view k_backends_text = "it has to be sequential, threads, fork or processes";

void check_backend(backend which, std::string_view name) {
  switch (which) {
    case backend::sequential:
    case backend::threads:
    case backend::fork:
    case backend::processes:
      return;
    case backend::mpi:
      refuse(name, "mpi", "that is not in this version, which has sequential, threads, fork and processes");
  }
  refuse(name, shown_enum(which), k_backends_text);
}

backend backend_of(std::string_view text, std::string_view name) {
  struct named {
    std::string_view name;
    backend which;
  };
  constexpr named k_all[] = {{"sequential", backend::sequential},
                             {"threads", backend::threads},
                             {"fork", backend::fork},
                             {"processes", backend::processes},
                             {"mpi", backend::mpi}};
  const auto* const found = std::ranges::find(k_all, trimmed(text), &named::name);
  if (found == std::ranges::end(k_all)) {
    refuse(name, '"' + std::string(text) + '"', k_backends_text);
  }
  check_backend(found->which, name);
  return found->which;
}

void check_at_least(int least, std::optional<int> value, std::string_view name) {
  if (value && *value < least) {
    refuse(name, std::to_string(*value), "it has to be at least " + std::to_string(least));
  }
}

std::size_t batch_size_of(const number_or_text& value) {
  if (value.text() != nullptr && *value.text() == "auto") return 0;
  const auto size = whole_number(value);
  if (!size || *size < 1) {
    refuse("batch_size", shown(value), "it has to be at least 1, or \"auto\" for an automatic size");
  }
  return static_cast<std::size_t>(*size);
}

std::size_t pre_dispatch_of(const number_or_text& value, unsigned workers) {
  if (const auto tasks = whole_number(value)) {
    if (*tasks < 1) refuse("pre_dispatch", shown(value), k_pre_dispatch_rule);
    return static_cast<std::size_t>(*tasks);
  }
  if (trimmed(*value.text()) == "all") return k_all_at_once;
  const auto factor = multiple_of_n_jobs(*value.text());
  if (!factor) refuse("pre_dispatch", shown(value), k_pre_dispatch_rule);
  constexpr double k_most = 1e15;  // more than any machine holds, and exact
  return static_cast<std::size_t>(std::clamp(*factor * workers, 1.0, k_most));
}

std::optional<std::chrono::nanoseconds> timeout_of(std::chrono::duration<double> value) {
  const double seconds = value.count();
  if (std::isinf(seconds) && seconds > 0) return std::nullopt;
  // No deadline that is counted from now overflows.
  constexpr double k_longest = 1e9;
  if (!(seconds > 0) || seconds > k_longest) {
    refuse("timeout", std::to_string(seconds) + " s",
           "it has to be over 0 and at most 1e9 seconds, or infinite for none");
  }
  return std::chrono::nanoseconds(static_cast<std::int64_t>(std::ceil(seconds * 1e9)));
}

std::chrono::nanoseconds idle_timeout_of(std::chrono::duration<double> value) {
  const double seconds = value.count();
  constexpr double k_longest = 1e9;
  if (std::isinf(seconds) && seconds > 0) return std::chrono::nanoseconds::max();
  if (!(seconds >= 0) || seconds > k_longest) {
    refuse("idle_timeout", std::to_string(seconds) + " s",
           "it has to be at least 0 and at most 1e9 seconds, or infinite for none");
  }
  return std::chrono::nanoseconds(static_cast<std::int64_t>(std::ceil(seconds * 1e9)));
}

std::uint64_t max_nbytes_of(const number_or_text& value) {
  constexpr std::string_view k_option = "parallel: max_nbytes";
  if (const auto* const number = value.number()) {
    if (*number < 0)
      refuse("max_nbytes", shown(value), "it has to be at least 0, a size such as \"1M\", or \"none\"");
    return static_cast<std::uint64_t>(*number);
  }
  if (*value.text() == "none") return k_no_mapping;
  try {
    return byte_size(*value.text(), k_option);
  } catch (const value_error& refused) {
    throw value_error(std::string(refused.what()) + "; or \"none\"");
  }
}

void check_temp_folder(const std::string& path) {
  if (path.empty()) return;
  std::error_code why;
  if (!std::filesystem::is_directory(path, why) && !why)
    why = std::make_error_code(std::errc::not_a_directory);
  if (!why && ::faccessat(AT_FDCWD, path.c_str(), W_OK | X_OK, AT_EACCESS) != 0)
    why = std::error_code(errno, std::generic_category());
  if (why) {
    refuse("temp_folder", '"' + path + '"',
           "it has to be a directory that can be written to: " + why.message());
  }
}

void check_mmap_mode(mmap_mode value) {
  switch (value) {
    case mmap_mode::none:
    case mmap_mode::read:
    case mmap_mode::read_write:
    case mmap_mode::copy_on_write:
      return;
  }
  refuse("mmap_mode", shown_enum(value), "it has to be none, read, read_write or copy_on_write");
}

void check_reduce_order(reduce_order value) {
  switch (value) {
    case reduce_order::sequence:
    case reduce_order::any:
      return;
  }
  refuse("reduce_order", shown_enum(value), "it has to be sequence or any");
}

void check_progress(const progress_option& value) {
  if (value.is_told() && !value.call()) {
    refuse("progress", "an empty function", "it has to be one that can be called, true, false, or a label");
  }
}

}  // namespace larder::detail
