#pragma once
// The options of a pool with nothing left open.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <larder/parallel_options.hpp>

namespace larder::detail {

class initialized_threads;  // parallel/worker_setup.hpp

struct parallel_settings {
  larder::backend backend = larder::backend::threads;
  unsigned workers = 1;          // 1 on the sequential backend
  std::size_t batch_size = 0;    // 0: automatic
  std::size_t pre_dispatch = 0;  // tasks; 0: not set; the largest number: all
  std::optional<std::chrono::nanoseconds> timeout;
  int verbose = 0;
  std::string temp_folder;
  std::uint64_t max_nbytes = 0;  // the largest number: none
  larder::mmap_mode mmap_mode = larder::mmap_mode::read;
  unsigned inner_threads = 0;  // 0: not set
  // For OpenMP and BLAS: inner_threads, or a worker's share of the processors; 0: not limited.
  unsigned thread_limit = 0;
  worker_initializer initializer;
  std::shared_ptr<initialized_threads> initialized;  // where there is an initializer
  unsigned max_retries = 0;
  std::chrono::nanoseconds idle_timeout{};  // the largest: none
  progress_option progress;
  bool allow_threads = false;
  larder::reduce_order reduce_order = larder::reduce_order::sequence;
};

/// From the options, the configurations of this thread, the environment, and the defaults. value_error, naming the option (or the
/// environment variable), its value, and what is allowed.
parallel_settings resolve(const parallel_options& options);

}  // namespace larder::detail
