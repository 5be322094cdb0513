// Options at work in calls: what each of them means is tested with test_parallel_options.cpp.

#include <larder/error.hpp>
#include <larder/parallel.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <ranges>
#include <regex>
#include <stdexcept>
#include <vector>

#include "tests/captured_log.hpp"
#include "tests/catch.hpp"
#include "tests/environment.hpp"
#include "tests/pools.hpp"

using larder::backend;
using larder::parallel;
using larder::parallel_config;
using larder::parallel_options;

namespace {

using Catch::Matchers::ContainsSubstring;

thread_local int initialized = 0;

struct told {
  std::size_t done;
  std::size_t total;
  double eta;
};

// With a callback that keeps what it hears.
parallel_options heard_by(std::vector<told>& heard, backend which) {
  parallel_options options = on(which, {.n_jobs = 2});
  options.progress = [&heard](std::size_t done, std::size_t total, double eta) {
    heard.push_back({done, total, eta});
  };
  return options;
}

void spin_for(std::chrono::microseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) continue;
}

}  // namespace

TEST_CASE("parallel: takes from scopes and the environment what its options leave open", "[parallel]") {
  const environment n_jobs("LARDER_N_JOBS", "3");
  CHECK(parallel().n_jobs() == 3);
  CHECK(parallel({.n_jobs = 2}).n_jobs() == 2);
  {
    const parallel_config config({.n_jobs = 4});
    CHECK(parallel().n_jobs() == 4);
    CHECK(parallel({.n_jobs = 2}).n_jobs() == 2);
    const parallel_config inner({.backend = backend::sequential});
    CHECK(parallel().n_jobs() == 1);
    CHECK(parallel({.backend = backend::threads}).n_jobs() == 4);
  }
  const parallel after;
  const environment changed("LARDER_N_JOBS", "5");
  CHECK(after.n_jobs() == 3);  // as it was when it was made
}

TEST_CASE("parallel: refuses nonsense with option, value and what is allowed", "[parallel]") {
  CHECK_THROWS_AS(parallel({.n_jobs = 0}), larder::value_error);
  CHECK_THROWS_WITH(parallel({.n_jobs = 0}), ContainsSubstring("n_jobs is 0") && ContainsSubstring("-1"));
  CHECK_THROWS_WITH(parallel({.batch_size = -3}),
                    ContainsSubstring("batch_size is -3; it has to be at least 1"));
  CHECK_THROWS_WITH(parallel({.pre_dispatch = "some"}), ContainsSubstring("pre_dispatch is \"some\""));
  CHECK_THROWS_WITH(parallel({.backend = backend::mpi}), ContainsSubstring("mpi"));
  CHECK_THROWS_WITH(parallel({.idle_timeout = std::chrono::seconds(-1)}), ContainsSubstring("idle_timeout"));
  const environment where("LARDER_BACKEND", "cluster");
  CHECK_THROWS_WITH(parallel(), ContainsSubstring("LARDER_BACKEND is \"cluster\""));
}

TEST_CASE("initializer: has run in each worker before its first task", "[parallel]") {
  for (const auto which : k_backends) {
    INFO(name_of(which));
    parallel_options options = on(which, {.n_jobs = 3});
    options.initializer = [] { ++initialized; };
    const auto times = [](int) { return initialized; };
    const auto xs = std::views::iota(0, 200);
    {
      initialized = 0;
      const parallel pool(options);
      const auto by_index = pool.map(xs, times);
      CHECK(std::ranges::all_of(by_index, [](int n) { return n >= 1; }));
      const auto read = pool.map(std::list<int>(200), times);
      CHECK(std::ranges::all_of(read, [](int n) { return n >= 1; }));
      for (const int n : pool.imap(xs, times)) CHECK(n >= 1);
      CHECK(pool.submit([] { return initialized; }).get() >= 1);
      if (which == backend::sequential) CHECK(initialized == 1);
    }
  }
}

TEST_CASE("initializer: what it throws ends the call", "[parallel]") {
  for (const auto which : k_backends) {
    INFO(name_of(which));
    parallel_options options = on(which, {.n_jobs = 2});
    options.initializer = [] { throw std::out_of_range("no such device"); };
    const parallel pool(options);
    const auto xs = std::views::iota(0, 20);
    const auto same = [](int x) { return x; };
    for (int repeat = 0; repeat < 2; ++repeat) {
      CHECK_THROWS_AS(pool.map(xs, same), std::out_of_range);
      CHECK_THROWS_AS(pool.map(std::list<int>(20), same), std::out_of_range);
      CHECK_THROWS_AS(pool.submit([] { return 1; }).get(), std::out_of_range);
    }
  }
}

TEST_CASE("parallel_config: tasks do not see that of who called, whichever thread runs them", "[parallel]") {
  const parallel_config config({.n_jobs = 77});
  for (const auto which : k_backends) {
    INFO(name_of(which));
    const auto seen =
        parallel(on(which)).map(std::views::iota(0, 200), [](int) { return parallel().n_jobs(); });
    CHECK(std::ranges::count(seen, 77) == 0);
  }
  CHECK(parallel().n_jobs() == 77);
}

TEST_CASE("progress: a call tells how far it is, and in the end that all is done", "[parallel]") {
  const auto work = [](int x) {
    spin_for(std::chrono::microseconds(500));
    return x;
  };
  for (const auto which : k_backends) {
    INFO(name_of(which));
    std::vector<told> heard;
    const parallel pool(heard_by(heard, which));
    const auto check = [&](std::size_t total) {
      REQUIRE_FALSE(heard.empty());
      CHECK(std::ranges::is_sorted(heard, {}, &told::done));
      for (const auto& each : heard) CHECK(each.total == total);
      CHECK(heard.back().done == 300);
      CHECK((total == 0 || heard.back().eta == 0));
      heard.clear();
    };
    pool.map(std::views::iota(0, 300), work);
    check(300);
    pool.map(std::list<int>(300), work);
    check(300);
    const auto unsized = std::views::iota(0, 1000) | std::views::take_while([](int x) { return x < 300; });
    pool.map(unsized, work);
    check(0);
    for (const int x : pool.imap(std::views::iota(0, 300), work)) CHECK(x >= 0);
    check(300);
    CHECK(pool.map_reduce(std::views::iota(0, 300), work, 0, std::plus<>()) == 300 * 299 / 2);
    check(300);
    pool.map(std::vector<int>(), work);
    CHECK(heard.size() <= 1);
  }
}

TEST_CASE("progress: what its function throws ends the call, and the pool goes on", "[parallel]") {
  for (const auto which : k_backends) {
    INFO(name_of(which));
    bool is_calm = false;
    parallel_options options = on(which, {.n_jobs = 2});
    // Not at the end, where all is done in any case: a call that goes on to there has missed it.
    options.progress = [&](std::size_t done, std::size_t total, double) {
      if (!is_calm && done < total) throw std::out_of_range("enough");
    };
    const parallel pool(options);
    const auto work = [](int x) {
      spin_for(std::chrono::microseconds(500));
      return x;
    };
    // So many would take half a minute: whoever tells the function has its turn before that.
    constexpr int k_tasks = 100'000;
    CHECK_THROWS_AS(pool.map(std::views::iota(0, k_tasks), work), std::out_of_range);
    CHECK_THROWS_AS(pool.map(std::list<int>(k_tasks), work), std::out_of_range);
    is_calm = true;
    CHECK(pool.map(std::views::iota(0, 10), work).back() == 9);
  }
}

TEST_CASE("verbose: a call says in the log how far it is", "[parallel]") {
  for (const auto which : k_backends) {
    parallel_options options = on(which, {.n_jobs = 2});
    options.verbose = 1;
    const captured_log log;
    parallel(options).map(std::views::iota(0, 100), [](int x) { return x; });
    INFO(name_of(which));
    CHECK(log.warnings.empty());
    REQUIRE_FALSE(log.infos.empty());
    CHECK_THAT(log.infos.back(), ContainsSubstring("parallel: 100 of 100 tasks done in "));
    // Where the call takes a second or more, it has said so meanwhile, and not earlier.
    const std::regex meanwhile(
        R"(parallel: \d+ of 100 tasks done, [1-9]\d*\.\d s elapsed(, about \d+\.\d s left)?)");
    for (std::size_t i = 0; i + 1 < log.infos.size(); ++i) {
      INFO(log.infos[i]);
      CHECK(std::regex_match(log.infos[i], meanwhile));
    }
  }
}
