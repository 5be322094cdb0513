#include <larder/parallel.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <unistd.h>

#include <larder/error.hpp>

#include "tests/catch.hpp"
#include "tests/child_process.hpp"
#include "tests/plain_failure.hpp"
#include "tests/pools.hpp"
#include "tests/rising_limit.hpp"

using larder::backend;
using larder::future;
using larder::parallel;
using namespace std::chrono_literals;

namespace {

int sum(int a, int b) { return a + b; }

}  // namespace

TEST_CASE("submit: gives a future of the result, on every backend", "[parallel]") {
  for (const auto where : k_backends) {
    for (const int n_jobs : {1, 2}) {
      INFO(name_of(where) << ' ' << n_jobs);
      const parallel pool(on(where, {.n_jobs = n_jobs}));
      future<int> three = pool.submit(sum, 1, 2);
      CHECK(three.valid());
      CHECK(three.get() == 3);
      CHECK_FALSE(three.valid());
      CHECK(pool.submit([](const std::string& s) { return s + "!"; }, "text").get() == "text!");
      future<void> nothing = pool.submit([] {});
      nothing.wait();
      CHECK(nothing.is_ready());
      nothing.get();
      std::vector<future<int>> many;
      for (int i = 0; i < 50; ++i) many.push_back(pool.submit(sum, i, i));
      for (int i = 49; i >= 0; --i) CHECK(many[static_cast<std::size_t>(i)].get() == 2 * i);
    }
  }
}

TEST_CASE("submit: owns the function and its arguments, which may be move-only", "[parallel]") {
  const parallel pool({.n_jobs = 2});
  future<std::unique_ptr<int>> result;
  {
    auto owned = std::make_unique<int>(5);
    std::string text = "abc";
    result = pool.submit(
        [add = std::make_unique<int>(1)](std::unique_ptr<int> x, const std::string& s) {
          return std::make_unique<int>(*x + *add + static_cast<int>(s.size()));
        },
        std::move(owned), text);
    text.clear();
  }
  CHECK(*result.get() == 9);
}

TEST_CASE("submit: what the function throws is thrown by get", "[parallel]") {
  for (const auto where : k_backends) {
    const parallel pool(on(where, {.n_jobs = 2}));
    auto failing = pool.submit([]() -> int { throw std::out_of_range("far"); });
    failing.wait();
    CHECK_THROWS_WITH(failing.get(), "far");
    CHECK_THROWS_AS(pool.submit([]() -> int { throw std::out_of_range("far"); }).get(), std::out_of_range);
    CHECK(pool.submit(sum, 1, 2).get() == 3);
  }
  CHECK_THROWS_AS(parallel({.n_jobs = 2}).submit([] { throw plain_failure{1}; }).get(), plain_failure);
}

TEST_CASE("future: one without a result says so", "[parallel]") {
  future<int> none;
  CHECK_FALSE(none.valid());
  CHECK_THROWS_AS(none.get(), larder::value_error);
  CHECK_THROWS_AS(none.wait(), larder::value_error);
  CHECK_THROWS_AS(none.wait_for(1s), larder::value_error);
  CHECK_THROWS_AS(none.cancel(), larder::value_error);
  auto taken = parallel({.n_jobs = 2}).submit(sum, 1, 2);
  auto moved = std::move(taken);
  CHECK(moved.get() == 3);
  CHECK_THROWS_WITH(moved.get(), Catch::Contains("no result"));
  CHECK_THROWS_AS(taken.get(), larder::value_error);
}

TEST_CASE("future: wait_for returns when its time is over, or there is a result", "[parallel]") {
  for (const auto where : {backend::threads, backend::fork}) {
    INFO(name_of(where));
    const process_signal go;
    auto result = parallel(on(where, {.n_jobs = 2})).submit([&go] {
      go.wait();
      return 7;
    });
    CHECK_FALSE(result.wait_for(1ms));
    CHECK_FALSE(result.is_ready());
    go.post();
    CHECK(result.wait_for(std::chrono::hours(24 * 365 * 1000)));
    CHECK(result.is_ready());
    CHECK(result.get() == 7);
  }
}

TEST_CASE("future: outlives its pool", "[parallel]") {
  for (const auto where : k_backends) {
    auto result = parallel(on(where, {.n_jobs = 2})).submit(sum, 1, 2);
    CHECK(result.get() == 3);
  }
}

TEST_CASE("future: cancel takes back what has not begun", "[parallel]") {
  for (const auto where : {backend::threads, backend::fork}) {
    INFO(name_of(where));
    const process_signal go;
    const parallel pool(on(where, {.n_jobs = 2}));
    const auto wait = [&go] {
      go.wait();
      return 1;
    };
    auto first = pool.submit(wait);
    auto second = pool.submit(wait);
    auto third = pool.submit(sum, 1, 2);
    CHECK(third.cancel());
    CHECK(third.is_ready());
    CHECK_THROWS_AS(third.get(), larder::task_cancelled);
    go.post();
    go.post();
    CHECK(first.get() == 1);
    CHECK(second.get() == 1);
    auto done = pool.submit(sum, 1, 2);
    done.wait();
    CHECK_FALSE(done.cancel());
    CHECK(done.get() == 3);
  }
}

TEST_CASE("future: cancel tells a running task on threads, and ends one on fork", "[parallel]") {
  SECTION("threads") {
    std::latch running(1);
    auto result = parallel({.n_jobs = 2}).submit([&] {
      running.count_down();
      while (!larder::stop_requested()) std::this_thread::yield();
      return 5;
    });
    running.wait();
    CHECK_FALSE(result.cancel());
    CHECK(result.get() == 5);
  }
  SECTION("fork") {
    const process_signal running;
    auto result = parallel(on(backend::fork, {.n_jobs = 2})).submit([&] {
      running.post();
      for (;;) ::pause();
      return 5;
    });
    running.wait();
    CHECK(result.cancel());
    CHECK_THROWS_AS(result.get(), larder::task_cancelled);
    CHECK_FALSE(has_children());
  }
}

TEST_CASE("submit: no more than n_jobs calls run at a time", "[parallel]") {
  const parallel pool({.n_jobs = 3});
  std::atomic<int> running = 0;
  std::atomic<int> most = 0;
  std::vector<future<void>> all;
  for (int i = 0; i < 200; ++i) {
    all.push_back(pool.submit([&] {
      const int now = ++running;
      for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
      }
      std::this_thread::yield();
      --running;
    }));
  }
  for (auto& each : all) each.get();
  CHECK(most <= 3);
}

TEST_CASE("submit: calls begin in the order in which they came", "[parallel]") {
  const parallel pool({.n_jobs = 2});
  std::latch held(1);
  std::latch go(1);
  auto first = pool.submit([&] {
    held.count_down();
    go.wait();
  });
  held.wait();  // what follows has one worker
  std::vector<int> order;
  std::vector<future<void>> rest;
  for (int i = 0; i < 200; ++i) rest.push_back(pool.submit([&order, i] { order.push_back(i); }));
  for (auto& each : rest) each.get();
  go.count_down();
  first.get();
  CHECK(order.size() == 200);
  CHECK(std::ranges::is_sorted(order));
}

TEST_CASE("submit: a timeout is a timeout_error", "[parallel]") {
  for (const auto where : k_backends) {
    INFO(name_of(where));
    with_rising_limit(100ms, [&](std::chrono::milliseconds limit) {
      const parallel pool(on(where, {.n_jobs = 2, .timeout = limit}));
      auto slow = pool.submit([] {
        while (!larder::stop_requested()) std::this_thread::yield();
      });
      CHECK_THROWS_AS(slow.get(), larder::timeout_error);
      int three = 0;
      if (caught<larder::timeout_error>([&] { three = pool.submit(sum, 1, 2).get(); })) return false;
      CHECK(three == 3);
      return true;
    });
  }
}

TEST_CASE("submit: from tasks and from several threads", "[parallel]") {
  const parallel pool({.n_jobs = 2});
  const auto results = pool.map(std::vector{1, 2, 3, 4}, [&](int x) {
    auto inner = pool.submit(sum, x, x);  // runs at once: nobody waits for a worker that waits
    return inner.get();
  });
  CHECK(results == std::vector{2, 4, 6, 8});
  CHECK(pool.submit([&] { return pool.submit([&] { return pool.submit(sum, 1, 2).get(); }).get(); }).get() ==
        3);
  std::atomic<int> wrong = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 200; ++i) wrong += pool.submit(sum, i, i).get() != 2 * i;
      });
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("submit: several threads may wait for one future, and cancel it", "[parallel]") {
  const process_signal go;
  const parallel pool(on(backend::fork, {.n_jobs = 2}));
  auto result = pool.submit([&] {
    go.wait();
    return 1;
  });
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 3; ++t) threads.emplace_back([&] { result.wait(); });
    go.post();
  }
  CHECK(result.get() == 1);
}
