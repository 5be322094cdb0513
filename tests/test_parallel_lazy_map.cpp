// Ranges that are read as a call goes on: what map makes of them, how far ahead they are read, and failures.

#include <larder/parallel.hpp>

#include <atomic>
#include <cstddef>
#include <forward_list>
#include <functional>
#include <latch>
#include <list>
#include <memory>
#include <ranges>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "tests/catch.hpp"
#include "tests/plain_failure.hpp"
#include "tests/pools.hpp"
#include "tests/single_pass.hpp"

using larder::backend;
using larder::parallel;

TEST_CASE("map: takes ranges without size or random access", "[parallel]") {
  for (const auto where : k_backends) {
    INFO(name_of(where));
    const parallel pool(on(where, {.n_jobs = 2}));
    CHECK(pool.map(std::list<int>{0, 1, 2}, k_double) == doubles(3));
    CHECK(pool.map(std::forward_list<int>{0, 1, 2}, k_double) == doubles(3));
    std::istringstream text("0 1 2 3");
    CHECK(pool.map(std::views::istream<int>(text), k_double) == doubles(4));
    CHECK(pool.map(single_pass(100), k_double) == doubles(100));
    CHECK(pool.map(std::views::iota(0) | std::views::take_while([](int x) { return x < 50; }), k_double) ==
          doubles(50));
    CHECK(pool.map(single_pass(0), k_double).empty());
    CHECK(pool.map(
              std::list<std::string>{"a", "b"},
              [](const std::string& s, const std::string& end) { return s + end; },
              std::string("!")) == std::vector<std::string>{"a!", "b!"});
  }
}

TEST_CASE("map: the order of a lazy range is kept for all sizes, workers and batches", "[parallel]") {
  for (const auto where : k_backends) {
    for (const int n_jobs : {1, 2, 5}) {
      for (const long batch_size : {0L, 1L, 7L, 100000L}) {
        larder::parallel_options options = on(where, {.n_jobs = n_jobs});
        if (batch_size != 0) options.batch_size = batch_size;
        const parallel pool(options);
        for (const int count : {0, 1, 2, 3, 40, where == backend::fork ? 100 : 3000}) {
          INFO(name_of(where) << ' ' << n_jobs << ' ' << batch_size << ' ' << count);
          REQUIRE(pool.map(single_pass(count), k_double) == doubles(count));
        }
      }
    }
  }
}

TEST_CASE(
    "map: elements of a lazy range may be move-only, and its results bool or without a default constructor",
    "[parallel]") {
  struct fixed {
    const int value;
  };
  for (const auto where : {backend::sequential, backend::threads}) {
    const parallel pool(on(where, {.n_jobs = 2}));
    std::list<std::unique_ptr<int>> owned;
    for (int i = 0; i < 100; ++i) owned.push_back(std::make_unique<int>(i));
    CHECK(pool.map(owned | std::views::transform([](auto& each) { return std::move(each); }),
                   [](std::unique_ptr<int> each) { return 2 * *each; }) == doubles(100));
    const auto odd = pool.map(single_pass(1000), [](int x) { return x % 2 == 1; });
    STATIC_REQUIRE(std::is_same_v<decltype(odd), const std::vector<bool>>);
    for (std::size_t i = 0; i < odd.size(); ++i) REQUIRE(odd[i] == (i % 2 == 1));
    CHECK(pool.map(single_pass(10), [](int x) { return fixed{x}; }).back().value == 9);
    std::atomic<int> sum = 0;
    STATIC_REQUIRE(std::is_void_v<decltype(pool.map(single_pass(10), [&](int x) { sum += x; }))>);
    pool.map(single_pass(10), [&](int x) { sum += x; });
    CHECK(sum == 45);
  }
}

TEST_CASE("map: a task may write to the element of a list", "[parallel]") {
  std::list<int> xs{0, 1, 2, 3};
  parallel({.n_jobs = 2}).map(xs, [](int& x) { x *= 2; });
  CHECK(xs == std::list<int>{0, 2, 4, 6});
}

TEST_CASE("parallel: with pre_dispatch 3 the fourth task is produced only after a completion", "[parallel]") {
  std::atomic<int> completed = 0;
  std::latch three_read(3);
  const auto task = [&](int x) {
    three_read.wait();  // nothing completes before
    ++completed;
    return 2 * x;
  };
  int early = 0;
  const auto range = [&] {
    single_pass made(20);
    made.on_read = [&](int x) {
      if (x < 3) three_read.count_down();
      if (x >= 3 && completed < x - 2) ++early;
    };
    return made;
  };
  const parallel pool({.n_jobs = 2, .pre_dispatch = 3});
  SECTION("map") { CHECK(pool.map(range(), task) == doubles(20)); }
  SECTION("map of a vector") {
    CHECK(pool.map(std::vector{0, 1, 2, 3}, [](int x) { return 2 * x; }) == doubles(4));
  }
  SECTION("imap") { CHECK(all_of(pool.imap(range(), task)) == doubles(20)); }
  SECTION("imap_unordered") { CHECK(all_of(pool.imap_unordered(range(), task)).size() == 20); }
  CHECK(early == 0);
}

TEST_CASE("parallel: pre_dispatch may be all, or a multiple of the workers", "[parallel]") {
  for (const auto& [text, ahead] :
       {std::pair("all", 20), {"n_jobs", 2}, {"2*n_jobs", 4}, {"1.5*n_jobs", 3}}) {
    const parallel pool({.n_jobs = 2, .pre_dispatch = text});
    int read = 0;
    single_pass range(20);
    range.on_read = [&](int) { ++read; };
    auto results = pool.imap(std::move(range), k_double);
    CHECK(read == ahead);
    CHECK(all_of(results) == doubles(20));
  }
}

TEST_CASE("parallel: what a range throws arrives, wherever it throws, and the pool goes on", "[parallel]") {
  for (const auto where : k_backends) {
    for (const int n_jobs : {1, 2}) {
      INFO(name_of(where) << ' ' << n_jobs);
      const parallel pool(on(where, {.n_jobs = n_jobs}));
      for (const int at : {0, 5, 18}) {
        single_pass increment(20);
        increment.fails_in_increment = at;
        CHECK_THROWS_WITH(pool.map(increment, k_double), "element " + std::to_string(at));
        single_pass dereference(20);
        dereference.fails_in_dereference = at;
        CHECK_THROWS_WITH(pool.map(dereference, k_double), "element " + std::to_string(at));
        single_pass fed(20);
        fed.fails_in_dereference = at;
        CHECK_THROWS_WITH(all_of(pool.imap(std::move(fed), k_double)), "element " + std::to_string(at));
        CHECK_THROWS_AS(pool.map(std::views::iota(0, 20) | std::views::transform([at](int x) {
                                   if (x == at) throw std::out_of_range("transform");
                                   return x;
                                 }),
                                 k_double),
                        std::out_of_range);
      }
      single_pass begin(20);
      begin.fails_in_begin = true;
      CHECK_THROWS_WITH(pool.map(begin, k_double), "begin");
      CHECK(pool.map(single_pass(20), k_double) == doubles(20));
    }
  }
}

TEST_CASE("parallel: a failing task ends map and imap with its own exception", "[parallel]") {
  for (const auto where : k_backends) {
    for (const int n_jobs : {1, 2}) {
      INFO(name_of(where) << ' ' << n_jobs);
      const parallel pool(on(where, {.n_jobs = n_jobs}));
      for (const int failing : {0, 25, 49}) {
        const auto task = [failing](int x) {
          if (x == failing) throw std::out_of_range("task " + std::to_string(x));
          return x;
        };
        const auto message = "task " + std::to_string(failing);
        CHECK_THROWS_AS(pool.map(single_pass(50), task), std::out_of_range);
        CHECK_THROWS_WITH(pool.map(single_pass(50), task), message);
        CHECK_THROWS_WITH(all_of(pool.imap(single_pass(50), task)), message);
        CHECK_THROWS_WITH(all_of(pool.imap_unordered(single_pass(50), task)), message);
      }
      CHECK(pool.map(single_pass(50), k_double) == doubles(50));
    }
  }
}

TEST_CASE("parallel: the first failing task stops the dispatch, and tasks that ask see it", "[parallel]") {
  const auto check = [](auto call) {
    std::latch both(2);
    std::atomic<int> ran = 0;
    std::atomic<bool> seen = false;
    const auto task = [&](int x) {
      ++ran;
      if (x > 1) return;
      both.arrive_and_wait();
      if (x == 0) throw plain_failure{0};
      while (!larder::stop_requested()) std::this_thread::yield();
      seen = true;
    };
    CHECK_THROWS_AS(call(task), plain_failure);
    CHECK(seen);
    CHECK(ran < 100000);
  };
  const parallel pool({.n_jobs = 2, .batch_size = 1});
  SECTION("map of a lazy range") {
    check([&](auto& task) { pool.map(single_pass(100000), task); });
  }
  SECTION("imap") {
    check([&](auto& task) { all_of(pool.imap(single_pass(100000), std::ref(task))); });
  }
  CHECK_FALSE(larder::stop_requested());
}
