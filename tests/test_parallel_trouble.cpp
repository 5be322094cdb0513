// Calls under circumstances that are not those of every day.

#include <larder/parallel.hpp>

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <latch>
#include <list>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <larder/error.hpp>

#include "tests/catch.hpp"
#include "tests/child_process.hpp"
#include "tests/pools.hpp"
#include "tests/rising_limit.hpp"
#include "tests/sanitizers.hpp"

using larder::backend;
using larder::parallel;
using namespace std::chrono_literals;

namespace {

/// Runs until so much time is over.
void work_for(std::chrono::steady_clock::duration time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
  }
}

}  // namespace

TEST_CASE("parallel: it is the first failure that arrives, also where others are stopped by it",
          "[parallel]") {
  const parallel pool({.n_jobs = 2, .batch_size = 2});
  std::latch failing(1);
  // Task 0 is at work while task 2 fails, so that task 1 never begins: which is no failure of its own.
  auto results = pool.imap(listed(6), [&](int x) {
    if (x == 0) {
      failing.wait();
      while (!larder::stop_requested()) std::this_thread::yield();
    }
    if (x == 2) {
      failing.count_down();
      throw std::domain_error("the fault");
    }
    return x;
  });
  CHECK_THROWS_WITH(
      [&] {
        while (results.next()) {
        }
      }(),
      "the fault");
  for (int repeat = 0; repeat < 300; ++repeat) {
    CHECK_THROWS_AS(parallel({.n_jobs = 2})
                        .map(listed(300),
                             [](int x) {
                               if (x == 200) throw std::domain_error("the fault");
                               return x;
                             }),
                    std::domain_error);
  }
}

TEST_CASE("parallel: what stops an outer call stops inner tasks, on whichever threads they are",
          "[parallel]") {
  std::atomic<bool> inner_runs = false;
  std::atomic<int> seen = 0;
  const auto inner_task = [&](int) {
    inner_runs = true;
    inner_runs.notify_all();
    while (!larder::stop_requested()) std::this_thread::yield();
    ++seen;
  };
  const auto outer_task = [&](int x) {
    if (x == 0) {
      parallel({.n_jobs = 2, .batch_size = 1}).map(std::views::iota(0, 2), inner_task);
    } else {
      inner_runs.wait(false);
      throw std::runtime_error("outer");
    }
  };
  CHECK_THROWS_WITH(
      parallel({.n_jobs = 2, .batch_size = 1, .inner_threads = 2}).map(std::views::iota(0, 2), outer_task),
      "outer");
  CHECK(seen == 2);
}

TEST_CASE("parallel: a worker that is long at a batch shares it with one that has nothing to do",
          "[parallel]") {
  std::latch both(2);
  const auto all = parallel({.n_jobs = 2, .batch_size = 500}).map(listed(500), [&](int x) {
    if (x < 5) work_for(1ms);
    if (x == 100 || x == 499) both.arrive_and_wait();  // in one batch: two workers have to be at it
    return x;
  });
  REQUIRE(all.size() == 500);
  for (int i = 0; i < 500; ++i) REQUIRE(all[static_cast<std::size_t>(i)] == i);
}

TEST_CASE("parallel: shared batches give their results in order, and fail as others do", "[parallel]") {
  const auto slow = [](int x) {
    work_for(x % 100 == 0 ? 2ms : 20us);
    if (x == 1'777) throw std::domain_error("the fault");
    return x;
  };
  const parallel pool({.n_jobs = 3, .batch_size = 500});
  int next = 0;
  for (const int each : pool.imap(listed(1'500), slow)) REQUIRE(each == next++);
  CHECK(next == 1'500);
  CHECK_THROWS_AS(pool.map(listed(2'000), slow), std::domain_error);
  const auto [results, stats] = pool.map_with_stats(listed(500), slow);
  CHECK(results.back() == 499);
  CHECK(stats.tasks == 500);
}

TEST_CASE("parallel: the time between two calls is nobody's", "[parallel]") {
  with_rising_limit(200ms, [](std::chrono::milliseconds limit) {
    const process_signal go;  // outlives the pool, whose tasks do not end with their time
    const parallel pool({.n_jobs = 2, .timeout = limit});
    return !caught<larder::timeout_error>([&] {
      for (int repeat = 0; repeat < 3; ++repeat) {
        const int one = pool.submit([] { return 1; }).get();
        CHECK(one == 1);
        work_for(limit + 50ms);
        auto waits = pool.submit([&] { go.wait(); });
        const bool is_over = waits.wait_for(1ms);
        go.post();
        waits.get();
        CHECK_FALSE(is_over);
      }
    });
  });
}

TEST_CASE("parallel: whole batches are read where pre_dispatch has room for them", "[parallel]") {
  for (const char* ahead : {"all", "20"}) {
    const parallel pool({.n_jobs = 2, .batch_size = 10, .pre_dispatch = ahead});
    const auto [results, stats] = pool.map_with_stats(listed(1000), [](int x) { return x; });
    CHECK(results.size() == 1000);
    CHECK(stats.batches == 100);
  }
}

// Looking at all that is pending for each result would take longer than a test may.
#if !LARDER_TEST_THREAD_SANITIZER && !LARDER_TEST_ADDRESS_SANITIZER
TEST_CASE("map: half a million elements may be read ahead, one by one", "[parallel]") {
  const parallel pool({.n_jobs = 2, .pre_dispatch = "all"});
  CHECK(pool.map(std::views::iota(0, 500'000), [](int x) { return x; }).back() == 499'999);
}
#endif

TEST_CASE("imap: results may be of a type that cannot be assigned", "[parallel]") {
  struct fixed {
    const int value;
  };
  auto results = parallel({.n_jobs = 2}).imap(listed(3), [](int x) { return fixed{x}; });
  int sum = 0;
  for (auto&& each : results) sum += each.value;
  CHECK(sum == 3);
}

TEST_CASE("imap: iterators go on where next has left off", "[parallel]") {
  for (const int n_jobs : {1, 2}) {
    auto results = parallel({.n_jobs = n_jobs}).imap(listed(4), [](int x) { return x; });
    CHECK(results.next() == 0);
    std::vector<int> rest;
    for (const int each : results) rest.push_back(each);
    CHECK(rest == std::vector{1, 2, 3});
  }
}

TEST_CASE("imap: the statistics of one that is over stay as they are", "[parallel]") {
  auto results = parallel({.n_jobs = 2}).imap(listed(10), [](int x) { return x; });
  while (results.next()) {
  }
  const double before = results.stats().seconds;
  work_for(2ms);
  CHECK(results.stats().seconds == before);
}

TEST_CASE("imap: does not read ever further ahead of a range that is slower than its tasks", "[parallel]") {
  int read = 0;
  auto slow = std::views::iota(0, 400) | std::views::filter([&](int) {
                work_for(1ms);
                ++read;
                return true;
              });
  int taken = 0;
  int most_ahead = 0;
  for (const int x : parallel({.n_jobs = 2}).imap(slow, [](int x) { return x; })) {
    CHECK(x == taken++);
    most_ahead = std::max(most_ahead, read - taken);
  }
  CHECK(most_ahead < 50);
}

TEST_CASE("progress: of an empty range is told once, however it is read", "[parallel]") {
  for (const bool is_list : {false, true}) {
    int told = 0;
    const parallel pool({.n_jobs = 2, .progress = [&](std::size_t, std::size_t, double) { ++told; }});
    if (is_list) {
      pool.map(std::list<int>(), [](int x) { return x; });
    } else {
      pool.map(std::vector<int>(), [](int x) { return x; });
    }
    CHECK(told == 1);
  }
}

TEST_CASE("fork: a call within a child cannot wait for calls of its parent, and says so",
          "[parallel][fork]") {
  for (const auto where : {backend::threads, backend::fork}) {
    INFO(name_of(where));
    const process_signal running;
    const process_signal go;
    const auto wait = [&] {
      running.post();
      go.wait();
    };
    auto later = parallel(on(where, {.n_jobs = 2})).submit([&] {
      wait();
      return std::string("result");
    });
    auto fed = parallel(on(where, {.n_jobs = 2})).imap(listed(3), [&](int x) {
      wait();
      return x;
    });
    for (int i = 0; i < 3; ++i) running.wait();  // one of `later`, two of `fed`: from now on they rest
    child_process child([&] {
      int refused = 0;
      try {
        later.get();
      } catch (const larder::value_error&) {
        ++refused;
      }
      try {
        fed.next();
      } catch (const larder::value_error&) {
        ++refused;
      }
      return refused == 2 ? 0 : 1;
    });
    CHECK(child.wait() == 0);
    for (int i = 0; i < 4; ++i) go.post();
    CHECK(later.get() == "result");
    CHECK(fed.next() == 0);
  }
}

TEST_CASE("fork: runs right after tasks on threads", "[parallel][fork]") {
  const parallel threads({.n_jobs = 2});
  const parallel forks(on(backend::fork, {.n_jobs = 2}));
  for (int repeat = 0; repeat < 200; ++repeat) {
    CHECK(threads.submit([] { return 1; }).get() == 1);
    REQUIRE(forks.map(std::views::iota(0, 2), [](int x) { return x; }).size() == 2);
  }
}

TEST_CASE("fork: a task that was over its time is a timeout_error, though nobody watched",
          "[parallel][fork]") {
  const parallel pool(on(backend::fork, {.n_jobs = 2, .timeout = 1ms}));
  const process_signal done;
  auto late = pool.submit([&done] {
    work_for(20ms);
    done.post();
    return 1;
  });
  done.wait();
  CHECK_THROWS_AS(late.get(), larder::timeout_error);
  CHECK_THROWS_AS(pool.map(std::views::iota(0, 4),
                           [](int x) {
                             work_for(3ms);
                             return x;
                           }),
                  larder::timeout_error);
}

// The thread sanitizer needs descriptors of its own.
#if !LARDER_TEST_THREAD_SANITIZER && !LARDER_TEST_ADDRESS_SANITIZER
TEST_CASE("fork: more workers than a process may have descriptors", "[parallel][fork]") {
  child_process program([] {
    const ::rlimit few{64, 64};
    if (::setrlimit(RLIMIT_NOFILE, &few) != 0) return 2;
    const parallel pool({.n_jobs = 100, .backend = backend::fork, .allow_threads = true});
    if (pool.submit([] { return 7; }).get() != 7) return 3;
    int sum = 0;
    for (const int each : pool.imap(listed(300), [](int x) { return x; })) sum += each;
    if (sum != 300 * 299 / 2) return 4;
    const auto all = pool.map(std::views::iota(0, 200), [](int x) {
      work_for(1ms);
      return x;
    });
    return all.size() == 200 && all.back() == 199 ? 0 : 5;
  });
  CHECK(program.wait() == 0);
}
#endif

TEST_CASE("fork: how a child died is unknown where the program ignores SIGCHLD", "[parallel][fork]") {
  child_process program([] {
    std::signal(SIGCHLD, SIG_IGN);
    try {
      parallel({.n_jobs = 2, .backend = backend::fork, .allow_threads = true})
          .map(std::views::iota(0, 2), [](int) { ::kill(::getpid(), SIGKILL); });
    } catch (const larder::worker_died& e) {
      return std::string(e.what()).find("SIGCHLD") != std::string::npos && e.signal() == 0 ? 0 : 1;
    }
    return 2;
  });
  CHECK(program.wait() == 0);
}

TEST_CASE("threads: signals for the process are not taken by the library's threads", "[parallel]") {
  std::latch both(2);
  std::atomic<int> blocked = 0;
  const auto caller = std::this_thread::get_id();
  parallel({.n_jobs = 2, .batch_size = 1}).map(std::views::iota(0, 2), [&](int) {
    both.arrive_and_wait();
    if (std::this_thread::get_id() == caller) return;
    sigset_t mask;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    blocked = sigismember(&mask, SIGUSR1) == 1 && sigismember(&mask, SIGINT) == 1 &&
              sigismember(&mask, SIGSEGV) == 0;
  });
  CHECK(blocked == 1);
}
