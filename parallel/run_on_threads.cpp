#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

#include "parallel/indexed_run.hpp"
#include "parallel/task_ranges.hpp"
#include "parallel/worker_count.hpp"
#include "parallel/worker_setup.hpp"
#include "src/first_fault.hpp"
#include "src/team.hpp"

namespace larder::detail {
namespace {

using clock = std::chrono::steady_clock;

// What a worker did.
struct worker_report {
  std::size_t tasks = 0;
  std::size_t batches = 0;
  double seconds = 0;
};

double seconds_since(clock::time_point begun) {
  return std::chrono::duration<double>(clock::now() - begun).count();
}

// One call. Workers share `ranges`, `stop` and `fault`, and each writes its own report. The caller reads the fault and the reports after
// run_on_team, which orders that after all bodies.
class thread_call {
 public:
  thread_call(const parallel_settings& settings, indexed_tasks& tasks, task_ranges& ranges, bool reports)
      : settings_(settings), tasks_(tasks), ranges_(ranges), reports_(reports ? ranges.workers() : 0) {}

  void run() {
    run_on_team(ranges_.workers(), [this](unsigned worker) noexcept {
      try {
        run_as(worker);
      } catch (...) {
        fault_.keep_current();
        ranges_.stop();
        stop_.request();
      }
    });
    fault_.rethrow_if_any();
  }

  const std::vector<worker_report>& reports() const noexcept { return reports_; }

 private:
  void run_as(unsigned worker) {
    task_taker taker(ranges_, worker);
    task_range batch = taker.next();
    if (batch.empty()) return;  // one that comes late is not set up
    const auto begun = reports_.empty() ? clock::time_point() : clock::now();
    const worker_scope setup(settings_, worker_kind::thread);
    const task_scope scope(stop_, outer_);
    for (; !batch.empty(); batch = taker.next()) tasks_.run(worker, batch.begin, batch.end);
    if (!reports_.empty()) reports_[worker] = {taker.tasks(), taker.batches(), seconds_since(begun)};
  }

  const task_scope* const outer_ = task_scope::current();  // the caller's, which waits for the workers
  const parallel_settings& settings_;
  indexed_tasks& tasks_;
  task_ranges& ranges_;
  std::vector<worker_report> reports_;  // one per worker, or none
  stop_state stop_;
  first_fault fault_;
};

}  // namespace

void run_on_threads(const parallel_settings& settings, std::size_t count, indexed_tasks& tasks,
                    parallel_stats* stats) {
  const auto workers =
      static_cast<unsigned>(std::min<std::size_t>({worker_count(settings), k_most_helpers + 1, count}));
  if (workers <= 1) return run_in_caller(settings, count, tasks, stats);
  const auto begun = stats == nullptr ? clock::time_point() : clock::now();
  // Room on the stack for as many workers as there can be: 16 KiB, of which those that there are use a cache line each.
  alignas(task_ranges) std::byte room[task_ranges::bytes_needed(k_most_helpers + 1)];
  thread_call call(settings, tasks, task_ranges::make(room, count, workers, settings.batch_size),
                   stats != nullptr);
  call.run();
  if (stats == nullptr) return;
  for (const worker_report& each : call.reports()) {
    stats->tasks += each.tasks;
    stats->batches += each.batches;
    stats->worker_seconds.push_back(each.seconds);
  }
  stats->seconds = seconds_since(begun);
}

}  // namespace larder::detail
