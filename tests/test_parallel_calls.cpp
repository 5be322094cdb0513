// What calls of all kinds have: timeouts, delayed calls and statistics.

#include <larder/parallel.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <ranges>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <larder/error.hpp>

#include "tests/catch.hpp"
#include "tests/pools.hpp"
#include "tests/rising_limit.hpp"
#include "tests/single_pass.hpp"

using larder::backend;
using larder::parallel;
using std::chrono::milliseconds;

TEST_CASE("parallel: a timeout names the task, and the call returns when its tasks have seen it",
          "[parallel]") {
  for (const auto where : k_backends) {
    for (const int n_jobs : {1, 2}) {
      INFO(name_of(where) << ' ' << n_jobs);
      const auto task = [](int x) {
        if (x == 3) {
          while (!larder::stop_requested()) std::this_thread::yield();
        }
        return x;
      };
      with_rising_limit(milliseconds(50), [&](milliseconds limit) {
        const parallel pool(on(where, {.n_jobs = n_jobs, .timeout = limit}));
        const auto names_the_task = [&](auto call) {
          const auto e = caught<larder::timeout_error>(call);
          REQUIRE(e);
          if (e->task() != 3) return false;
          std::ostringstream text;
          text << "task 3 took longer than its timeout of " << std::chrono::duration<double>(limit).count()
               << " s";
          CHECK(e->what() == text.str());
          return true;
        };
        if (!names_the_task([&] { pool.map(std::vector{0, 1, 2, 3, 4, 5}, task); })) return false;
        if (!names_the_task([&] { pool.map(single_pass(6), task); })) return false;
        CHECK_THROWS_AS(all_of(pool.imap(single_pass(6), task)), larder::timeout_error);
        std::vector<int> rest;
        if (caught<larder::timeout_error>([&] { rest = pool.map(single_pass(3), task); })) return false;
        CHECK(rest == std::vector{0, 1, 2});
        return true;
      });
    }
  }
}

TEST_CASE("parallel: one task's time does not count for another", "[parallel]") {
  // Each takes its time, and more than the timeout those that one worker has, of one batch: all on fork, on threads half of them,
  // where the other worker takes a share.
  for (const auto where : {backend::threads, backend::fork}) {
    INFO(name_of(where));
    with_rising_limit(milliseconds(250), [&](milliseconds limit) {
      const auto task = [time = limit / 25](int x) {
        const auto end = std::chrono::steady_clock::now() + time;
        while (std::chrono::steady_clock::now() < end) continue;
        return 2 * x;
      };
      const parallel pool(on(where, {.n_jobs = 2, .batch_size = 60, .timeout = limit}));
      return !caught<larder::timeout_error>([&] {
        const auto [results, stats] = pool.map_with_stats(std::views::iota(0, 60), task);
        CHECK(results == doubles(60));
        CHECK(stats.batches == 1);
        const auto [read, read_stats] = pool.map_with_stats(single_pass(60), task);
        CHECK(read == doubles(60));
        CHECK(read_stats.batches == 1);
      });
    });
  }
}

TEST_CASE("parallel: calls each task of a range of delayed calls", "[parallel]") {
  for (const auto where : k_backends) {
    const parallel pool(on(where, {.n_jobs = 2}));
    const auto times = [](int a, int b) { return a * b; };
    std::vector<decltype(larder::delayed(times)(1, 1))> tasks;
    for (int i = 0; i < 10; ++i) tasks.push_back(larder::delayed(times)(i, 2));
    CHECK(pool(tasks) == doubles(10));
    CHECK(pool(tasks) == doubles(10));  // again
    CHECK(pool(std::views::iota(0, 10) |
               std::views::transform([&](int i) { return larder::delayed(times)(2, i); })) == doubles(10));
    CHECK(pool(std::vector<std::function<int()>>{[] { return 0; }, [] { return 2; }}) == doubles(2));
  }
}

TEST_CASE("delayed: owns its arguments, and may give them away once", "[parallel]") {
  const auto value_of = [](std::unique_ptr<int> p) { return *p; };
  std::vector<decltype(larder::delayed(value_of)(std::make_unique<int>(1)))> tasks;
  for (int i = 0; i < 10; ++i) tasks.push_back(larder::delayed(value_of)(std::make_unique<int>(2 * i)));
  CHECK(parallel({.n_jobs = 2})(std::move(tasks)) == doubles(10));
  std::string text = "before";
  const auto size = larder::delayed([](const std::string& s) { return s.size(); })(text);
  text.clear();
  CHECK(size() == 6);
}

TEST_CASE("map_with_stats: says what was done", "[parallel]") {
  for (const auto where : k_backends) {
    INFO(name_of(where));
    const parallel pool(on(where, {.n_jobs = 2}));
    const auto [results, stats] = pool.map_with_stats(std::views::iota(0, 100), k_double);
    CHECK(results == doubles(100));
    CHECK(stats.tasks == 100);
    CHECK(stats.batches >= 1);
    CHECK(stats.batches <= 100);
    CHECK(stats.seconds > 0);
    CHECK(stats.worker_seconds.size() == (where == backend::sequential ? 1U : 2U));
    CHECK(stats.idle_share() >= 0);
    CHECK(stats.idle_share() <= 1);
    CHECK((stats.bytes_copied > 0) == (where == backend::fork));
    const auto [lazy, lazy_stats] = pool.map_with_stats(single_pass(30), k_double);
    CHECK(lazy == doubles(30));
    CHECK(lazy_stats.tasks == 30);
    const larder::parallel_stats of_none = pool.map_with_stats(std::views::iota(0, 5), [](int) {});
    CHECK(of_none.tasks == 5);
    auto fed = pool.imap(single_pass(30), k_double);
    CHECK(all_of(fed) == doubles(30));
    CHECK(fed.stats().tasks == 30);
  }
}
