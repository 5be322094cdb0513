// Streams of results.

#include <larder/parallel.hpp>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstddef>
#include <latch>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sys/types.h>
#include <unistd.h>

#include "tests/catch.hpp"
#include "tests/child_process.hpp"
#include "tests/plain_failure.hpp"
#include "tests/pools.hpp"
#include "tests/single_pass.hpp"

using larder::backend;
using larder::parallel;

TEST_CASE("imap: results come in the order of the range, on every backend", "[parallel]") {
  for (const auto where : k_backends) {
    for (const int n_jobs : {1, 2, 4}) {
      INFO(name_of(where) << ' ' << n_jobs);
      const parallel pool(on(where, {.n_jobs = n_jobs}));
      CHECK(all_of(pool.imap(std::vector{0, 1, 2}, k_double)) == doubles(3));
      CHECK(all_of(pool.imap(single_pass(60), k_double)) == doubles(60));
      CHECK(all_of(pool.imap(single_pass(0), k_double)).empty());
      auto unordered = all_of(pool.imap_unordered(single_pass(60), k_double));
      std::ranges::sort(unordered);
      CHECK(unordered == doubles(60));
    }
  }
}

TEST_CASE("imap: owns what it is given, and may be read by next()", "[parallel]") {
  auto results = [] {
    const parallel pool({.n_jobs = 2});
    std::vector<std::string> texts{"a", "b", "c"};
    const std::string suffix = "!";
    const auto join = [extra = std::string("?")](const std::string& text, const std::string& end) {
      return text + extra + end;
    };
    return pool.imap(texts, join, suffix);
  }();
  CHECK(results.next() == "a?!");
  CHECK(results.next() == "b?!");
  CHECK(results.next() == "c?!");
  CHECK(results.next() == std::nullopt);
  CHECK(results.next() == std::nullopt);
  CHECK(results.begin() == results.end());
  int raw[] = {0, 1, 2};
  CHECK(all_of(parallel({.n_jobs = 2}).imap(raw, k_double)) == doubles(3));
}

TEST_CASE("imap: results may be move-only, and those of functions without any are counted", "[parallel]") {
  const parallel pool({.n_jobs = 2});
  int next = 0;
  for (auto&& each : pool.imap(single_pass(50), [](int x) { return std::make_unique<int>(x); })) {
    const std::unique_ptr<int> mine = std::move(each);
    CHECK(*mine == next++);
  }
  CHECK(next == 50);
  CHECK(all_of(pool.imap(std::vector{1, 2, 3}, [](int) {})).size() == 3);
}

TEST_CASE("imap: with one worker producing, computing and consuming take turns", "[parallel]") {
  std::vector<std::string> log;
  single_pass range(3);
  range.on_read = [&](int x) { log.push_back("read " + std::to_string(x)); };
  for (const int x : parallel({.n_jobs = 1}).imap(std::move(range), [&](int x) {
         log.push_back("run " + std::to_string(x));
         return x;
       })) {
    log.push_back("take " + std::to_string(x));
  }
  CHECK(log == std::vector<std::string>{"read 0", "run 0", "take 0", "read 1", "run 1", "take 1", "read 2",
                                        "run 2", "take 2"});
}

TEST_CASE("imap: a slow consumer stops the production", "[parallel]") {
  for (const auto where : k_backends) {
    INFO(name_of(where));
    int read = 0;
    single_pass range(1000);
    range.on_read = [&](int) { ++read; };
    auto results = parallel(on(where, {.n_jobs = 2, .pre_dispatch = 4})).imap(std::move(range), k_double);
    for (int taken = 1; taken <= 20; ++taken) {
      CHECK(results.next() == 2 * (taken - 1));
      REQUIRE(read <= taken + 4);
    }
  }
  int read = 0;
  single_pass range(100000);
  range.on_read = [&](int) { ++read; };
  auto results = parallel({.n_jobs = 2}).imap(std::move(range), k_double);
  CHECK(results.next() == 0);
  CHECK(read < 100);
}

TEST_CASE("imap_unordered: gives fast results before a slow one", "[parallel]") {
  for (const auto where : {backend::threads, backend::fork}) {
    INFO(name_of(where));
    const process_signal fast_are_taken;
    std::vector<int> order;
    for (const int x : parallel(on(where, {.n_jobs = 2})).imap_unordered(std::views::iota(0, 4), [&](int x) {
           if (x == 0) fast_are_taken.wait();
           return x;
         })) {
      order.push_back(x);
      if (order.size() == 3) fast_are_taken.post();
    }
    CHECK(order.back() == 0);
    CHECK(order.size() == 4);
  }
}

TEST_CASE("imap: dropping it stops its work", "[parallel]") {
  SECTION("what has not begun never does, and running tasks see it") {
    std::atomic<int> ran = 0;
    std::atomic<int> stopped = 0;
    std::latch running(2);
    {
      auto results = parallel({.n_jobs = 2}).imap(std::views::iota(0, 100000), [&](int) {
        ++ran;
        running.count_down();
        while (!larder::stop_requested()) std::this_thread::yield();
        ++stopped;
      });
      running.wait();
    }
    CHECK(ran == 2);
    CHECK(stopped == 2);
  }
  SECTION("children of fork are gone") {
    std::vector<pid_t> pids;
    {
      auto results = parallel(on(backend::fork, {.n_jobs = 2})).imap(std::views::iota(0, 10), [](int x) {
        if (x > 0) {
          for (;;) ::pause();
        }
        return ::getpid();
      });
      pids.push_back(*results.next());
    }
    CHECK(::kill(pids.front(), 0) != 0);
    CHECK_FALSE(has_children());
  }
}

TEST_CASE("imap: what is not a std::exception arrives from threads as it is, and it is at its end then",
          "[parallel]") {
  auto results = parallel({.n_jobs = 2}).imap(std::views::iota(0, 100), [](int x) {
    if (x == 1) throw plain_failure{x};
    return x;
  });
  try {
    while (results.next()) {
    }
    FAIL("nothing was thrown");
  } catch (const plain_failure& failure) {
    CHECK(failure.task == 1);
  }
  CHECK(results.next() == std::nullopt);
}

TEST_CASE("imap: several may be read in turns, from several threads, and within tasks", "[parallel]") {
  const parallel pool({.n_jobs = 2});
  SECTION("two in turns") {
    auto a = pool.imap(single_pass(200), k_double);
    auto b = pool.imap(single_pass(200), k_double);
    for (int i = 0; i < 200; ++i) {
      REQUIRE(a.next() == 2 * i);
      REQUIRE(b.next() == 2 * i);
    }
  }
  SECTION("many that are not read") {
    std::vector<decltype(pool.imap(single_pass(1), k_double))> all;
    for (int i = 0; i < 20; ++i) all.push_back(pool.imap(single_pass(10), k_double));
    for (auto& each : all) CHECK(all_of(each) == doubles(10));
  }
  SECTION("from threads") {
    std::atomic<int> wrong = 0;
    {
      std::vector<std::jthread> threads;
      for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
          for (int repeat = 0; repeat < 20; ++repeat) {
            if (all_of(pool.imap(single_pass(50), k_double)) != doubles(50)) ++wrong;
          }
        });
      }
    }
    CHECK(wrong == 0);
  }
  SECTION("nested three deep, in the thread of their task") {
    std::atomic<int> elsewhere = 0;
    const auto sums = pool.map(single_pass(8), [&](int x) {
      const auto self = std::this_thread::get_id();
      int sum = 0;
      for (const int y : pool.imap(std::views::iota(0, 5), [&](int y) {
             for (const int z : pool.map(single_pass(5), [&](int z) {
                    if (std::this_thread::get_id() != self) ++elsewhere;
                    return z;
                  })) {
               y += z;
             }
             return y;
           })) {
        sum += y;
      }
      return sum + x;
    });
    CHECK(elsewhere == 0);
    for (int x = 0; x < 8; ++x) CHECK(sums[static_cast<std::size_t>(x)] == 60 + x);
  }
}
