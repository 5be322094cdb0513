#include <atomic>
#include <cstddef>
#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <larder/detail/parallel_settings.hpp>
#include <larder/detail/task_batch.hpp>
#include <larder/parallel_stats.hpp>
#include <larder/stop_requested.hpp>

#include "parallel/indexed_run.hpp"
#include "parallel/worker_setup.hpp"
#include "src/team.hpp"
#include "tests/catch.hpp"

using larder::parallel_stats;
using larder::detail::indexed_tasks;
using larder::detail::parallel_settings;
using larder::detail::run_on_threads;

namespace {

// Tasks that call a function with (worker, begin, end).
template <class F>
class batches_of final : public larder::detail::travelling_tasks {
 public:
  explicit batches_of(F run) : run_(std::move(run)) {}
  void run(unsigned worker, std::size_t begin, std::size_t end) override { run_(worker, begin, end); }
  void write(unsigned, std::size_t, std::size_t, larder::detail::travel_writer&) override {}
  void read(std::size_t, std::size_t, larder::detail::travel_reader&) override {}
  const larder::detail::shipment& shipped() const override { throw std::logic_error("they are tests"); }
  void write_inputs(std::size_t, std::size_t, larder::detail::travel_writer&) override {}
  std::string why_not_travelling() const override { return "they are tests"; }

 private:
  F run_;
};

parallel_settings with(unsigned workers, std::size_t batch_size = 0) {
  parallel_settings settings;
  settings.workers = workers;
  settings.batch_size = batch_size;
  return settings;
}

template <class F>
void run_batches(const parallel_settings& settings, std::size_t count, F run,
                 parallel_stats* stats = nullptr) {
  batches_of tasks(std::move(run));
  run_on_threads(settings, count, tasks, stats);
}

struct own_fault {
  int number;
};

}  // namespace

TEST_CASE("threads: every task runs once, whatever the workers and the batches", "[parallel][threads]") {
  for (const unsigned workers : {1U, 2U, 5U, 300U}) {
    for (const std::size_t batch_size : {0U, 1U, 64U}) {
      for (const std::size_t count : {1U, 2U, 1000U, 30'000U}) {
        std::vector<std::atomic<int>> runs(count);
        std::atomic<int> wrong = 0;
        run_batches(with(workers, batch_size), count,
                    [&](unsigned worker, std::size_t begin, std::size_t end) {
                      if (worker >= workers) ++wrong;
                      for (std::size_t i = begin; i != end; ++i) ++runs[i];
                    });
        for (const auto& each : runs) wrong += each == 1 ? 0 : 1;
        CHECK(wrong == 0);
      }
    }
  }
}

TEST_CASE("threads: no two threads are the same worker at a time", "[parallel][threads]") {
  std::vector<std::atomic<int>> in(4);
  std::atomic<int> wrong = 0;
  run_batches(with(4, 1), 2000, [&](unsigned worker, std::size_t, std::size_t) {
    if (in[worker]++ != 0) ++wrong;
    std::this_thread::yield();
    --in[worker];
  });
  CHECK(wrong == 0);
}

TEST_CASE("threads: the first failure ends the call, with its own type, and is seen by tasks that ask",
          "[parallel][threads]") {
  for (const std::size_t failing : {0U, 500U, 999U}) {
    int caught = 0;
    try {
      run_batches(with(3, 1), 1000, [&](unsigned, std::size_t begin, std::size_t) {
        if (begin == failing) throw own_fault{42};
      });
    } catch (const own_fault& fault) {
      caught = fault.number;
    }
    CHECK(caught == 42);
  }

  // The other task ends only because it is told to.
  std::latch both(2);
  CHECK_THROWS_AS(run_batches(with(2, 1), 2,
                              [&](unsigned, std::size_t begin, std::size_t) {
                                both.arrive_and_wait();
                                if (begin == 0) throw std::out_of_range("task 0");
                                while (!larder::stop_requested()) std::this_thread::yield();
                              }),
                  std::out_of_range);
  CHECK_FALSE(larder::stop_requested());
}

TEST_CASE("threads: after a failure no batch begins", "[parallel][threads]") {
  // One worker fails first of all; the other is in its first task until that has been noticed.
  std::latch both(2);
  std::atomic<int> ran = 0;
  CHECK_THROWS_AS(run_batches(with(2, 1), 10'000,
                              [&](unsigned worker, std::size_t, std::size_t) {
                                ++ran;
                                both.arrive_and_wait();
                                if (worker == 0) throw 1;
                                while (!larder::stop_requested()) std::this_thread::yield();
                              }),
                  int);
  CHECK(ran == 2);
}

TEST_CASE("threads: the statistics add up", "[parallel][threads]") {
  for (const unsigned workers : {1U, 3U}) {
    parallel_stats stats;
    run_batches(
        with(workers, 10), 1005, [](unsigned, std::size_t, std::size_t) {}, &stats);
    CHECK(stats.tasks == 1005);
    CHECK(stats.batches == (workers == 1 ? 1 : 101));
    CHECK(stats.seconds > 0);
    REQUIRE(stats.worker_seconds.size() == workers);
    for (const double each : stats.worker_seconds) CHECK((each >= 0 && each <= stats.seconds));
  }
  parallel_stats automatic;
  run_batches(
      with(2), 100'000, [](unsigned, std::size_t, std::size_t) {}, &automatic);
  CHECK(automatic.tasks == 100'000);
  CHECK(automatic.batches > 2);
}

TEST_CASE("threads: a call within a task runs in the task's thread, unless it is allowed more",
          "[parallel][threads]") {
  std::atomic<int> elsewhere = 0;
  std::atomic<int> inner = 0;
  run_batches(with(2, 1), 8, [&](unsigned, std::size_t, std::size_t) {
    const auto self = std::this_thread::get_id();
    run_batches(with(4, 1), 16, [&](unsigned, std::size_t begin, std::size_t end) {
      inner += static_cast<int>(end - begin);
      if (std::this_thread::get_id() != self) ++elsewhere;
    });
  });
  CHECK(inner == 8 * 16);
  CHECK(elsewhere == 0);

  // Two tasks at a time with two threads each: four that meet.
  parallel_settings outer = with(2, 1);
  outer.inner_threads = 2;
  std::latch all(4);
  run_batches(outer, 2, [&](unsigned, std::size_t, std::size_t) {
    const larder::detail::nested_threads two(2);
    run_batches(with(8, 1), 2, [&](unsigned, std::size_t, std::size_t) { all.arrive_and_wait(); });
  });
}

TEST_CASE("threads: the initializer runs in each worker before its first task", "[parallel][threads]") {
  thread_local int prepared = 0;
  std::atomic<int> wrong = 0;
  parallel_settings settings = with(3, 1);
  settings.initializer = [] { ++prepared; };
  settings.initialized = std::make_shared<larder::detail::initialized_threads>();
  for (int repeat = 0; repeat < 3; ++repeat) {
    std::latch all(3);
    run_batches(settings, 3, [&](unsigned, std::size_t, std::size_t) {
      all.arrive_and_wait();
      if (prepared != 1) ++wrong;
    });
  }
  CHECK(wrong == 0);
  settings.initialized = std::make_shared<larder::detail::initialized_threads>();
  settings.initializer = [] { throw own_fault{7}; };
  CHECK_THROWS_AS(run_batches(settings, 100, [&](unsigned, std::size_t, std::size_t) { ++wrong; }),
                  own_fault);
  CHECK(wrong == 0);
}
