#include <larder/parallel.hpp>

#include <atomic>
#include <forward_list>
#include <functional>
#include <iterator>
#include <latch>
#include <list>
#include <memory>
#include <mutex>
#include <numeric>
#include <optional>
#include <ranges>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <larder/error.hpp>

#include "tests/catch.hpp"
#include "tests/child_process.hpp"
#include "tests/plain_failure.hpp"
#include "tests/pools.hpp"

using larder::backend;
using larder::parallel;

namespace {

/// A range that is read once, and says what has happened to it: the elements 0, 1, ... below `count`.
class single_pass {
 public:
  explicit single_pass(int count) : count_(count) {}
  single_pass(const single_pass&) = delete;
  single_pass(single_pass&&) = default;
  single_pass& operator=(single_pass&&) = default;

  class iterator {
   public:
    using iterator_concept = std::input_iterator_tag;
    using value_type = int;
    using difference_type = std::ptrdiff_t;
    explicit iterator(single_pass* of) : of_(of) {}
    int operator*() const {
      of_->throw_at(of_->fails_in_dereference);
      if (of_->on_read) of_->on_read(of_->at_);
      ++of_->read;
      return of_->at_;
    }
    iterator& operator++() {
      of_->throw_at(of_->fails_in_increment);
      ++of_->at_;
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return of_->at_ == of_->count_; }

   private:
    single_pass* of_;
  };

  iterator begin() {
    if (fails_in_begin) throw std::out_of_range("begin");
    return iterator(this);
  }
  std::default_sentinel_t end() const { return {}; }

  bool fails_in_begin = false;
  int fails_in_increment = -1;
  int fails_in_dereference = -1;
  int read = 0;
  std::function<void(int)> on_read;

 private:
  void throw_at(int place) const {
    if (place == at_) throw std::out_of_range("element " + std::to_string(at_));
  }

  int count_;
  int at_ = 0;
};

std::vector<int> doubles(int count) {
  std::vector<int> xs(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) xs[static_cast<std::size_t>(i)] = 2 * i;
  return xs;
}

constexpr auto k_double = [](int x) { return 2 * x; };

template <class Results>
auto all_of(Results&& results) {
  std::vector<std::remove_cvref_t<decltype(*results.begin())>> all;
  for (auto&& each : results) all.push_back(std::move(each));
  return all;
}

}  // namespace

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

TEST_CASE("parallel: a timeout names the task, and the call returns when its tasks have seen it",
          "[parallel]") {
  for (const auto where : k_backends) {
    for (const int n_jobs : {1, 2}) {
      INFO(name_of(where) << ' ' << n_jobs);
      const parallel pool(on(where, {.n_jobs = n_jobs, .timeout = std::chrono::milliseconds(50)}));
      const auto task = [](int x) {
        if (x == 3) {
          while (!larder::stop_requested()) std::this_thread::yield();
        }
        return x;
      };
      const auto names_the_task = [](const larder::timeout_error& e) {
        return e.task() == 3 && std::string(e.what()) == "task 3 took longer than its timeout of 0.05 s";
      };
      CHECK_THROWS_MATCHES(pool.map(std::vector{0, 1, 2, 3, 4, 5}, task), larder::timeout_error,
                           Catch::Matchers::Predicate<larder::timeout_error>(names_the_task));
      CHECK_THROWS_MATCHES(pool.map(single_pass(6), task), larder::timeout_error,
                           Catch::Matchers::Predicate<larder::timeout_error>(names_the_task));
      CHECK_THROWS_AS(all_of(pool.imap(single_pass(6), task)), larder::timeout_error);
      CHECK(pool.map(single_pass(3), task) == std::vector{0, 1, 2});
    }
  }
}

TEST_CASE("parallel: one task's time does not count for another", "[parallel]") {
  // Each takes its time, all of them together more than the timeout: one worker has them, as one batch.
  const auto task = [](int x) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(10);
    while (std::chrono::steady_clock::now() < end) continue;
    return 2 * x;
  };
  for (const auto where : {backend::threads, backend::fork}) {
    INFO(name_of(where));
    const parallel pool(
        on(where, {.n_jobs = 2, .batch_size = 30, .timeout = std::chrono::milliseconds(250)}));
    const auto [results, stats] = pool.map_with_stats(std::views::iota(0, 30), task);
    CHECK(results == doubles(30));
    CHECK(stats.batches == 1);
    const auto [read, read_stats] = pool.map_with_stats(single_pass(30), task);
    CHECK(read == doubles(30));
    CHECK(read_stats.batches <= 1);  // the child may end later
  }
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
