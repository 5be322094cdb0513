#pragma once
// The values of a pool's options: what each of them means, and which are refused. Every function throws a value_error that names
// the option, its value, and what is allowed.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include <larder/backend.hpp>
#include <larder/number_or_text.hpp>
#include <larder/parallel_options.hpp>

namespace larder::detail {

inline constexpr std::uint64_t k_no_mapping = std::numeric_limits<std::uint64_t>::max();
inline constexpr std::size_t k_all_at_once = std::numeric_limits<std::size_t>::max();

// `name` is that of the option or of the environment variable.

/// As n_jobs, and not yet counted from the processors.
void check_n_jobs(long long n_jobs, std::string_view name);
void check_backend(backend which, std::string_view name);
/// A number that is too small for what it counts.
void check_at_least(int least, std::optional<int> value, std::string_view name);

backend backend_of(std::string_view text, std::string_view name);
/// A whole number as n_jobs.
int n_jobs_of(std::string_view text, std::string_view name);

/// 0: automatic.
std::size_t batch_size_of(const number_or_text& value);
std::size_t pre_dispatch_of(const number_or_text& value, unsigned workers);
/// None where any time is allowed.
std::optional<std::chrono::nanoseconds> timeout_of(std::chrono::duration<double> value);
/// The largest where there is none.
std::chrono::nanoseconds idle_timeout_of(std::chrono::duration<double> value);
std::uint64_t max_nbytes_of(const number_or_text& value);
void check_temp_folder(const std::string& path);
void check_mmap_mode(mmap_mode value);
void check_reduce_order(reduce_order value);
void check_progress(const progress_option& value);

}  // namespace larder::detail
