#include <larder/error.hpp>
#include "parallel/batch_runner.hpp"
#include "parallel/indexed_run.hpp"
namespace larder::detail {
void run_on_fork(const parallel_settings&, std::size_t, indexed_tasks&, parallel_stats*) {
  throw value_error("fork");
}
std::unique_ptr<batch_runner> make_fork_runner(const parallel_settings&, on_failure) {
  throw value_error("fork");
}
}  // namespace larder::detail
