#include <atomic>
#include <larder/error.hpp>
#include <mutex>
#include "parallel/batch_runner.hpp"
#include "parallel/indexed_run.hpp"
#include "src/team.hpp"
namespace larder::detail {
void run_on_threads(const parallel_settings& s, std::size_t count, indexed_tasks& t, parallel_stats* st) {
  std::atomic<size_t> next = 0;
  std::mutex m;
  std::exception_ptr e;
  stop_state stop;
  run_on_team(s.workers, [&](unsigned w) noexcept {
    task_scope sc(stop);
    try {
      for (size_t i; (i = next.fetch_add(1)) < count;) t.run(w, i, i + 1);
    } catch (...) {
      std::lock_guard l(m);
      if (!e) e = std::current_exception();
      next = count;
      stop.request();
    }
  });
  if (e) std::rethrow_exception(e);
  if (st) {
    st->tasks = count;
    st->batches = count;
    st->seconds = 1;
    st->worker_seconds = {0, 0};
  }
}
void run_on_fork(const parallel_settings&, std::size_t, indexed_tasks&, parallel_stats*) {
  throw value_error("fork");
}
std::unique_ptr<batch_runner> make_fork_runner(const parallel_settings&, on_failure) {
  throw value_error("fork");
}
}  // namespace larder::detail
