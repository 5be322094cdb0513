#include <larder/parallel.hpp>

#include <larder/cpu_count.hpp>
#include <larder/error.hpp>

#include "parallel/batch_cursor.hpp"
#include "src/team.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <optional>
#include <string>

namespace larder {
namespace {

unsigned resolve_n_jobs(int n_jobs) {
  if (n_jobs == 0) {
    throw value_error(
        "parallel: n_jobs is 0; it has to be a number of workers, or negative: "
        "-1 for all processors, -2 for all but one");
  }
  if (n_jobs > 0) return static_cast<unsigned>(n_jobs);
  const long long left = static_cast<long long>(cpu_count()) + 1 + n_jobs;
  return static_cast<unsigned>(std::max(1LL, left));
}

void check_backend(backend which) {
  const char* refused = "of unknown number";
  switch (which) {
    case backend::sequential:
    case backend::threads:
      return;
    case backend::fork:
      refused = "fork";
      break;
    case backend::processes:
      refused = "processes";
      break;
    case backend::mpi:
      refused = "mpi";
      break;
  }
  throw value_error(std::string("parallel: backend is ") + refused +
                    "; this version has only sequential and threads");
}

std::size_t resolve_batch_size(std::optional<long> batch_size) {
  if (!batch_size) return 0;
  if (*batch_size < 1) {
    throw value_error("parallel: batch_size is " + std::to_string(*batch_size) +
                      "; it has to be at least 1, or not set for an automatic size");
  }
  return static_cast<std::size_t>(*batch_size);
}

detail::map_plan make_plan(const parallel_options& options) {
  check_backend(options.backend);
  const unsigned workers = resolve_n_jobs(options.n_jobs);
  return {.workers = options.backend == backend::sequential ? 1 : workers,
          .batch_size = resolve_batch_size(options.batch_size)};
}

}  // namespace

parallel::parallel(const parallel_options& options) : plan_(make_plan(options)) {}

namespace detail {
namespace {

using batch_body = function_ref<void(std::size_t begin, std::size_t end)>;

// The backend `threads`. The cursor is the only thing that workers share while all goes well. The first to
// fail, which `failed` decides, alone writes `error`; the caller reads it after run_on_team, which orders it
// after all bodies.
void run_on_threads(const map_plan& plan, std::size_t count, batch_body body) {
  const auto workers = static_cast<unsigned>(std::min<std::size_t>(plan.workers, count));
  batch_cursor cursor(count, workers);
  std::atomic<bool> failed = false;
  std::exception_ptr error;
  run_on_team(workers, [&](unsigned) noexcept {
    try {
      batch_sizer sizer;
      for (;;) {
        const auto batch =
            plan.batch_size != 0 ? cursor.take(plan.batch_size) : cursor.take_share(sizer.size());
        if (batch.empty()) return;
        body(batch.begin, batch.end);
        if (plan.batch_size == 0) sizer.finished();
      }
    } catch (...) {
      if (!failed.exchange(true, std::memory_order_relaxed)) error = std::current_exception();
      cursor.stop();
    }
  });
  if (error) std::rethrow_exception(error);
}

}  // namespace

void run_map(const map_plan& plan, std::size_t count, batch_body batch) {
  if (count == 0) return;
  if (plan.workers == 1 || count == 1 || inside_team_body()) {
    batch(0, count);
  } else {
    run_on_threads(plan, count, batch);
  }
}

}  // namespace detail
}  // namespace larder
