#pragma once
// What a thread does around the tasks of a call.
//
//   const worker_scope scope(settings, worker_kind::thread);
//   tasks.run(worker, begin, end);

#include <cstdint>
#include <optional>
#include <vector>

#include <larder/detail/parallel_settings.hpp>

#include "parallel/parallel_defaults.hpp"
#include "src/team.hpp"

namespace larder::detail {

/// The threads in which the initializer of a pool has run. Thread-safe.
class initialized_threads {
 public:
  /// False where this thread is among them already; else it is from now on.
  bool add_this();
  void remove_this() noexcept;

 private:
  std::vector<std::uint64_t> threads_;  // guarded by fork_safe_mutex: a child of fork may use the pool, too
};

enum class worker_kind {
  thread,       ///< of a process that does other things, too
  own_process,  ///< of a process that is there for tasks only, and began for this call
};

/// Made by each thread that takes part in a call, before its first task; lives until after its last. The thread
/// sees no parallel_config meanwhile. Runs the pool's
/// initializer if this thread has not had it; what that throws passes through, and it will run again the next time. Limits the threads
/// that OpenMP, and in a process of its own BLAS libraries, use here to settings.thread_limit, or to 1 in children of processes that have
/// threads of their own; a limit that is lower already stays unless inner_threads was set. The destructor restores OpenMP's; those of a process are left alone: it ends. Calls of this
/// library within tasks use inner_threads threads, or 1 where there are several workers.
///
/// Costs some nanoseconds where nothing is to be done.
class worker_scope {
 public:
  worker_scope(const parallel_settings& settings, worker_kind kind);
  ~worker_scope();
  worker_scope(const worker_scope&) = delete;
  worker_scope& operator=(const worker_scope&) = delete;

 private:
  no_config no_config_;
  std::optional<nested_threads> nested_;
  void (*set_openmp_)(int) = nullptr;  // null: nothing to restore
  int openmp_before_ = 0;
};

/// Looks for the libraries that worker_scope limits: those whose names are visible in the whole program now. Takes
/// microseconds, which is why it is done when a pool is made and not in each call.
void find_thread_libraries() noexcept;

}  // namespace larder::detail
