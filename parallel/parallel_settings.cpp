#include <larder/detail/parallel_settings.hpp>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <utility>

#include <larder/cpu_count.hpp>
#include <larder/error.hpp>

#include "parallel/option_values.hpp"
#include "parallel/parallel_defaults.hpp"
#include "parallel/worker_setup.hpp"

namespace larder::detail {
namespace {

/// Null where the variable is not set, or empty.
const char* from_environment(const char* name) {
  const char* const text = std::getenv(name);
  return text == nullptr || *text == '\0' ? nullptr : text;
}

parallel_options in_force(const parallel_options& options) {
  const parallel_options* const config = current_config();
  return config == nullptr ? options : completed(options, *config);
}

backend backend_in(const parallel_options& options) {
  constexpr const char* k_variable = "LARDER_BACKEND";
  if (options.backend) {
    check_backend(*options.backend, "backend");
    return *options.backend;
  }
  const char* const text = from_environment(k_variable);
  return text == nullptr ? backend::threads : backend_of(text, k_variable);
}

unsigned workers_in(const parallel_options& options) {
  constexpr const char* k_variable = "LARDER_N_JOBS";
  int n_jobs = -1;
  if (options.n_jobs) {
    check_n_jobs(*options.n_jobs, "n_jobs");
    n_jobs = *options.n_jobs;
  } else if (const char* const text = from_environment(k_variable)) {
    n_jobs = n_jobs_of(text, k_variable);
  }
  if (n_jobs > 0) return static_cast<unsigned>(n_jobs);
  return static_cast<unsigned>(std::max(1LL, static_cast<long long>(cpu_count()) + 1 + n_jobs));
}

/// A single worker has the machine to itself.
unsigned thread_limit(const parallel_settings& settings) {
  if (settings.inner_threads != 0 || settings.workers == 1) return settings.inner_threads;
  return std::max(1U, static_cast<unsigned>(cpu_count()) / settings.workers);
}

}  // namespace

parallel_options completed(parallel_options options, const parallel_options& others) {
  const auto take = [](auto& open, const auto& other) {
    if (!open) open = other;
  };
  take(options.n_jobs, others.n_jobs);
  take(options.backend, others.backend);
  take(options.batch_size, others.batch_size);
  take(options.pre_dispatch, others.pre_dispatch);
  take(options.timeout, others.timeout);
  take(options.verbose, others.verbose);
  take(options.temp_folder, others.temp_folder);
  take(options.max_nbytes, others.max_nbytes);
  take(options.mmap_mode, others.mmap_mode);
  take(options.inner_threads, others.inner_threads);
  take(options.initializer, others.initializer);
  take(options.max_retries, others.max_retries);
  take(options.idle_timeout, others.idle_timeout);
  if (!options.progress.is_given()) options.progress = others.progress;
  take(options.allow_threads, others.allow_threads);
  take(options.reduce_order, others.reduce_order);
  return options;
}

void check_options(const parallel_options& options) {
  if (options.n_jobs) check_n_jobs(*options.n_jobs, "n_jobs");
  if (options.backend) check_backend(*options.backend, "backend");
  if (options.batch_size) batch_size_of(*options.batch_size);
  if (options.pre_dispatch) pre_dispatch_of(*options.pre_dispatch, 1);
  if (options.timeout) timeout_of(*options.timeout);
  check_at_least(0, options.verbose, "verbose");
  if (options.temp_folder) check_temp_folder(*options.temp_folder);
  const auto max_nbytes = options.max_nbytes ? max_nbytes_of(*options.max_nbytes) : 0;
  if (options.mmap_mode) {
    check_mmap_mode(*options.mmap_mode);
    if (*options.mmap_mode == mmap_mode::read_write && max_nbytes == k_no_mapping) {
      throw value_error(
          "parallel: mmap_mode is read_write and max_nbytes \"none\"; what workers write to copies would be "
          "lost, so max_nbytes has to be a size");
    }
  }
  check_at_least(1, options.inner_threads, "inner_threads");
  check_at_least(0, options.max_retries, "max_retries");
  if (options.idle_timeout) idle_timeout_of(*options.idle_timeout);
  check_progress(options.progress);
  if (options.reduce_order) check_reduce_order(*options.reduce_order);
}

parallel_settings resolve(const parallel_options& options) {
  parallel_options all = in_force(options);
  check_options(all);
  parallel_settings settings;
  settings.backend = backend_in(all);
  settings.workers = workers_in(all);
  if (settings.backend == backend::sequential) settings.workers = 1;
  if (all.batch_size) settings.batch_size = batch_size_of(*all.batch_size);
  if (all.pre_dispatch) settings.pre_dispatch = pre_dispatch_of(*all.pre_dispatch, settings.workers);
  if (all.timeout) settings.timeout = timeout_of(*all.timeout);
  settings.verbose = all.verbose.value_or(0);
  settings.temp_folder = std::move(all.temp_folder).value_or(std::string());
  settings.max_nbytes = max_nbytes_of(all.max_nbytes.value_or("1M"));
  settings.mmap_mode = all.mmap_mode.value_or(mmap_mode::read);
  settings.inner_threads = static_cast<unsigned>(all.inner_threads.value_or(0));
  settings.thread_limit = thread_limit(settings);
  if (settings.thread_limit != 0) find_thread_libraries();
  settings.initializer = std::move(all.initializer);
  if (settings.initializer) settings.initialized = std::make_shared<initialized_threads>();
  settings.max_retries = static_cast<unsigned>(all.max_retries.value_or(0));
  settings.idle_timeout = idle_timeout_of(all.idle_timeout.value_or(std::chrono::minutes(5)));
  settings.progress = std::move(all.progress);
  settings.allow_threads = all.allow_threads.value_or(false);
  settings.reduce_order = all.reduce_order.value_or(reduce_order::sequence);
  return settings;
}

}  // namespace larder::detail
