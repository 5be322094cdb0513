#include "parallel/fork_batch.hpp"

#include <chrono>
#include <new>
#include <string>
#include <utility>

#include <larder/error.hpp>

#include "parallel/flush_output.hpp"
#include "parallel/foreign_threads.hpp"
#include "parallel/task_clock.hpp"
#include "parallel/worker_setup.hpp"
#include "src/team.hpp"

namespace larder::detail {
namespace {

using clock = std::chrono::steady_clock;

/// In the child.
void run_tasks(const fork_surroundings& around, task_batch& tasks, std::size_t from, worker_slot& slot,
               const result_way& way) noexcept {
  const parallel_settings& settings = around.settings;
  result_sender to(way, slot, around.request, around.event, settings.max_nbytes);
  try {
    become_worker(settings.inner_threads);
    const worker_scope setup(settings, worker_kind::own_process);
    task_scope scope(tasks.stop());
    const auto begun = clock::now();
    for (std::size_t i = from; i != tasks.count(); ++i) {
      slot.begin_task(tasks.first() + i, settings.timeout.has_value());
      run_within(settings.timeout, scope, tasks.first() + i, [&] { tasks.run(i); });
      slot.end_task();
      const bool is_last = i + 1 == tasks.count();
      if (tasks.is_whole() && !is_last) continue;
      tasks.write(i, to.results(tasks.is_whole() ? 0 : i, i + 1));
      slot.busy = std::chrono::nanoseconds(clock::now() - begun).count();
      if (is_last) flush_output();  // who has the last result may not wait for the child, but kill it
      to.send();
    }
  } catch (...) {
    flush_output();
    try {
      to.send_failure(static_cast<std::size_t>(slot.task), std::current_exception());
    } catch (...) {  // no memory: the worker has died, then
    }
  }
}

watched_child begin(const fork_surroundings& around, task_batch& tasks, worker_slot& slot, result_way& way) {
  if (const std::string why = tasks.why_not_travelling(); !why.empty()) throw not_shippable(why);
  if (!around.settings.allow_threads) refuse_foreign_threads();
  const std::size_t from = tasks.is_whole() ? 0 : tasks.finished();
  ::new (&slot) worker_slot;
  slot.task = tasks.first() + from;
  watched_child child =
      fork_child(around.line, [&]() noexcept { run_tasks(around, tasks, from, slot, way); });
  way.close_sending_end();
  return child;
}

}  // namespace

fork_batch::fork_batch(const fork_surroundings& around, std::shared_ptr<task_batch> tasks, worker_slot& slot)
    : fork_batch(around, std::move(tasks), slot, std::make_unique<result_way>()) {}

fork_batch::fork_batch(const fork_surroundings& around, std::shared_ptr<task_batch>&& tasks,
                       worker_slot& slot, std::unique_ptr<result_way> way)
    : tasks_(std::move(tasks)),
      slot_(slot),
      child_(begin(around, *tasks_, slot, *way)),
      receiver_(std::move(way), slot, around.settings.max_nbytes) {}

void fork_batch::receive(bytes_received& received, std::size_t& tasks) noexcept {
  if (failure_) return;
  try {
    failure_ = receiver_.receive(received, [&](std::size_t begin, std::size_t end, message_reader& results) {
      if (begin >= end || end > tasks_->count() || begin != (tasks_->is_whole() ? 0 : tasks_->finished()))
        throw error("parallel: a child has sent results of tasks that there are not");
      tasks_->read(end - 1, results);
      tasks += end - begin;
      if (end == tasks_->count()) tasks_->set_busy(std::chrono::nanoseconds(slot_.busy));
      tasks_->publish(end);
    });
  } catch (...) {
    failure_ = std::current_exception();
    child_.kill();
  }
}

}  // namespace larder::detail
