// The backend `processes` for tasks that are reached by index: a stream of batches whose inputs are written as they are handed out.

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>

#include <larder/detail/task_stream.hpp>
#include <larder/error.hpp>

#include "parallel/indexed_run.hpp"

namespace larder::detail {
namespace {

/// Some of the tasks; their results go where all of them go.
class index_batch final : public task_batch {
 public:
  index_batch(std::size_t first, std::size_t count, const std::shared_ptr<stop_state>& stop,
              travelling_tasks& tasks)
      : task_batch(first, count, stop), tasks_(tasks) {}

  void run(std::size_t i) override { tasks_.run(0, first() + i, first() + i + 1); }
  const shipment& shipped() const override { return tasks_.shipped(); }
  void write_inputs(std::size_t begin, std::size_t end, travel_writer& to) override {
    tasks_.write_inputs(first() + begin, first() + end, to);
  }
  void write(std::size_t i, travel_writer& to) override { tasks_.write(0, first() + i, first() + i + 1, to); }
  void read(std::size_t i, travel_reader& from) override { tasks_.read(first() + i, first() + i + 1, from); }
  void read_all(std::size_t begin, std::size_t end, travel_reader& from) override {
    tasks_.read(first() + begin, first() + end, from);
  }
  std::string why_not_travelling() const override { return tasks_.why_not_travelling(); }
  bool wants_each_result() const noexcept override { return false; }

 private:
  travelling_tasks& tasks_;
};

class index_source final : public batch_source {
 public:
  index_source(std::size_t count, travelling_tasks& tasks) : count_(count), tasks_(tasks) {}

  std::shared_ptr<task_batch> next(std::size_t first, std::size_t most,
                                   const std::shared_ptr<stop_state>& stop) override {
    if (first == count_) return nullptr;
    return std::make_shared<index_batch>(first, std::min(most, count_ - first), stop, tasks_);
  }
  std::size_t total() const noexcept override { return count_; }

 private:
  const std::size_t count_;
  travelling_tasks& tasks_;
};

}  // namespace

void run_on_processes(const parallel_settings& settings, std::size_t count, travelling_tasks& tasks,
                      parallel_stats* stats) {
  index_source source(count, tasks);
  task_stream stream(settings, source, stream_order::finished);
  stream.run();
  if (stats != nullptr) *stats = stream.stats();
}

}  // namespace larder::detail
