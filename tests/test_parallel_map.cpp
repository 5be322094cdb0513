#include <larder/error.hpp>
#include <larder/function.hpp>
#include <larder/parallel.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <deque>
#include <filesystem>
#include <iterator>
#include <latch>
#include <memory>
#include <numeric>
#include <optional>
#include <ranges>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "tests/catch.hpp"
#include "tests/child_process.hpp"
#include "tests/plain_failure.hpp"
#include "tests/sanitizers.hpp"

using larder::backend;
using larder::parallel;

namespace {

std::vector<int> numbers(int count) {
  std::vector<int> xs(static_cast<std::size_t>(count));
  std::iota(xs.begin(), xs.end(), 0);
  return xs;
}

// Counts its objects. With a default constructor it is stored in place, without one by way of optionals.
template <bool k_default_constructible>
class counted {
 public:
  counted() noexcept requires k_default_constructible { ++alive; }
  explicit counted(int value) : value_(value) { ++alive; }
  counted(counted&& other) noexcept : value_(other.value_) { ++alive; }
  counted& operator=(counted&& other) noexcept {
    value_ = other.value_;
    return *this;
  }
  ~counted() { --alive; }
  int value() const { return value_; }

  static inline std::atomic<int> alive = 0;

 private:
  int value_ = -1;
};

struct tripling {
  int operator()(int x) const { return 3 * x; }
};

int doubled(int x) { return 2 * x; }
double doubled(double x) { return 2 * x; }

std::ptrdiff_t thread_count() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {});
}

}  // namespace

TEST_CASE("map: results are in the order of the range for all n_jobs, batch sizes and counts", "[parallel]") {
  for (const int n_jobs : {-2, -1, 1, 2, 3, 8}) {
    for (const std::optional<long> batch_size : {std::optional<long>(), {1L}, {7L}, {1000000L}}) {
      for (const auto where : {backend::sequential, backend::threads}) {
        const parallel pool({.n_jobs = n_jobs, .backend = where, .batch_size = batch_size});
        for (const int count : {0, 1, 2, 3, 10, 1000, 20000}) {
          const auto xs = numbers(count);
          const std::vector<int> squares = pool.map(xs, [](int x) { return x % 1000 * x; });
          REQUIRE(squares.size() == xs.size());
          REQUIRE(std::ranges::equal(squares, xs, {}, {}, [](int x) { return x % 1000 * x; }));
        }
      }
    }
  }
}

TEST_CASE("map: an empty range gives an empty vector and calls nothing", "[parallel]") {
  const parallel pool({.n_jobs = 2});
  const std::vector<int> none;
  CHECK(pool.map(none, [](int) -> std::string { throw plain_failure{0}; }).empty());
  pool.map(none, [](int) { throw plain_failure{0}; });
}

TEST_CASE("map: takes any sized range with random access", "[parallel]") {
  const parallel pool({.n_jobs = 2});
  const auto twice = [](int x) { return 2 * x; };
  const std::vector<int> expected{2, 4, 6};
  const std::vector<int> constant{1, 2, 3};
  std::array<int, 3> array{1, 2, 3};
  int raw[] = {1, 2, 3};
  std::deque<int> deque{1, 2, 3};
  CHECK(pool.map(constant, twice) == expected);
  CHECK(pool.map(std::vector<int>{1, 2, 3}, twice) == expected);
  CHECK(pool.map(array, twice) == expected);
  CHECK(pool.map(raw, twice) == expected);
  CHECK(pool.map(deque, twice) == expected);
  CHECK(pool.map(std::span<int>(array), twice) == expected);
  CHECK(pool.map(std::views::iota(1, 4), twice) == expected);
  CHECK(pool.map(std::views::iota(1, 4) | std::views::transform(twice), tripling{}) ==
        std::vector<int>{6, 12, 18});
  CHECK(pool.map(std::views::iota(std::size_t{1}, std::size_t{4}),
                 [](std::size_t i) { return static_cast<int>(i) * 2; }) == expected);
  CHECK(pool.map(std::vector<bool>{true, false}, [](bool b) { return b ? 1 : 0; }) == std::vector<int>{1, 0});
}

TEST_CASE("map: a task may write to its element", "[parallel]") {
  auto xs = numbers(10000);
  parallel({.n_jobs = 2}).map(xs, [](int& x) { x *= 2; });
  CHECK(std::ranges::equal(xs, numbers(10000), {}, {}, [](int x) { return 2 * x; }));
}

TEST_CASE("map: shared arguments reach every task uncopied", "[parallel]") {
  const parallel pool({.n_jobs = 2});
  const std::unique_ptr<int> offset = std::make_unique<int>(5);
  const std::string suffix = "!";
  std::atomic<int> copies = 0;
  const auto texts = pool.map(
      numbers(100),
      [&](int x, const std::unique_ptr<int>& add, const std::string& end) {
        if (&add != &offset || &end != &suffix) ++copies;
        return std::to_string(x + *add) + end;
      },
      offset, suffix);
  CHECK(copies == 0);
  CHECK(texts.front() == "5!");
  CHECK(texts.back() == "104!");
}

TEST_CASE("map: takes functions, function objects and overloaded functions", "[parallel]") {
  const parallel pool({.n_jobs = 2});
  const tripling object;
  int (*const pointer)(int) = doubled;
  CHECK(pool.map(numbers(3), pointer) == std::vector<int>{0, 2, 4});
  CHECK(pool.map(numbers(3), object) == std::vector<int>{0, 3, 6});
  CHECK(pool.map(numbers(3), LARDER_FN(doubled)) == std::vector<int>{0, 2, 4});
  CHECK(pool.map(std::vector<double>{0.5, 1}, LARDER_FN(doubled)) == std::vector<double>{1, 2});
  CHECK(pool.map(std::vector<double>{4, 9}, LARDER_FN(std::sqrt)) == std::vector<double>{2, 3});
}

TEST_CASE("LARDER_FN: callable exactly where the name is, with its result type and noexcept", "[parallel]") {
  const auto twice = LARDER_FN(doubled);
  const auto move_on = LARDER_FN(std::forward<int&>);
  using twice_type = decltype(twice);
  STATIC_REQUIRE(std::is_empty_v<twice_type>);
  STATIC_REQUIRE(std::is_same_v<std::invoke_result_t<twice_type, int>, int>);
  STATIC_REQUIRE(std::is_same_v<std::invoke_result_t<twice_type, double>, double>);
  STATIC_REQUIRE_FALSE(std::is_invocable_v<twice_type, std::string>);
  STATIC_REQUIRE_FALSE(std::is_invocable_v<twice_type, int, int>);
  STATIC_REQUIRE_FALSE(std::is_nothrow_invocable_v<twice_type, int>);
  STATIC_REQUIRE(std::is_nothrow_invocable_r_v<int&, decltype(move_on), int&>);
  CHECK(twice(4) == 8);
}

TEST_CASE("map: results may be move-only or without a default constructor", "[parallel]") {
  const parallel pool({.n_jobs = 2});
  const auto pointers = pool.map(numbers(1000), [](int x) { return std::make_unique<int>(x); });
  CHECK(*pointers.front() == 0);
  CHECK(*pointers.back() == 999);

  const auto objects = pool.map(numbers(1000), [](int x) { return counted<false>(x); });
  CHECK(objects.back().value() == 999);

  struct fixed {
    const int value;
  };
  CHECK(pool.map(numbers(10), [](int x) { return fixed{x}; }).back().value == 9);
}

TEST_CASE("map: bool results are right next to each other", "[parallel]") {
  const parallel pool({.n_jobs = 4, .batch_size = 1});
  for (int repeat = 0; repeat < 20; ++repeat) {
    const std::vector<bool> odd = pool.map(numbers(5000), [](int x) { return x % 2 == 1; });
    REQUIRE(odd.size() == 5000);
    for (std::size_t i = 0; i < odd.size(); ++i) REQUIRE(odd[i] == (i % 2 == 1));
  }
}

TEST_CASE("map: a function without result gives none, and a returned reference is copied from",
          "[parallel]") {
  const parallel pool({.n_jobs = 2});
  std::vector<std::string> names{"a", "b"};
  STATIC_REQUIRE(std::is_void_v<decltype(pool.map(names, [](const std::string&) {}))>);
  const auto copies = pool.map(names, [](const std::string& name) -> const std::string& { return name; });
  STATIC_REQUIRE(std::is_same_v<decltype(copies), const std::vector<std::string>>);
  names[0] = "changed";
  CHECK(copies == std::vector<std::string>{"a", "b"});
}

TEST_CASE("map: a million empty tasks each run once", "[parallel]") {
  std::vector<unsigned char> runs(1000000, 0);
  parallel({.n_jobs = 3}).map(runs, [](unsigned char& count) { ++count; });
  CHECK(std::ranges::all_of(runs, [](unsigned char count) { return count == 1; }));
}

TEST_CASE("map: while one worker is at a long task, the others do all the rest", "[parallel]") {
  for (const std::size_t count : {2U, 100U, 10000U}) {
    std::latch rest(static_cast<std::ptrdiff_t>(count) - 1);
    parallel({.n_jobs = 2}).map(std::views::iota(std::size_t{0}, count), [&](std::size_t i) {
      if (i == 0) {
        rest.wait();
      } else {
        rest.count_down();
      }
    });
    CHECK(rest.try_wait());
  }
}

TEST_CASE("map: the first exception arrives in the caller with its own type", "[parallel]") {
  for (const int n_jobs : {1, 2, 4}) {
    const parallel pool({.n_jobs = n_jobs});
    for (const int failing : {0, 500, 999}) {
      const auto fail_with = [&](auto fail) {
        return [=](int x) {
          if (x == failing) fail(x);
          return x;
        };
      };
      CHECK_THROWS_AS(pool.map(numbers(1000), fail_with([](int) { throw std::out_of_range("far"); })),
                      std::out_of_range);
      CHECK_THROWS_WITH(
          pool.map(numbers(1000), fail_with([](int x) { throw larder::error(std::to_string(x)); })),
          std::to_string(failing));
      try {
        pool.map(numbers(1000), fail_with([](int x) { throw plain_failure{x}; }));
        FAIL("nothing was thrown");
      } catch (const plain_failure& failure) {
        CHECK(failure.task == failing);
      }
      CHECK(pool.map(numbers(1000), tripling{}).back() == 2997);  // usable as before
    }
  }
}

TEST_CASE("map: when every task fails, one of their exceptions arrives", "[parallel]") {
  const parallel pool({.n_jobs = 4});
  for (int repeat = 0; repeat < 100; ++repeat) {
    try {
      pool.map(numbers(100), [](int x) { throw plain_failure{x}; });
      FAIL("nothing was thrown");
    } catch (const plain_failure& failure) {
      CHECK(failure.task >= 0);
      CHECK(failure.task < 100);
    }
  }
}

TEST_CASE("map: a failing task stops the dispatch", "[parallel]") {
  std::atomic<int> ran = 0;
  // Another worker that is far ahead of the failing task waits for it.
  const auto fail_first = [&](int x) {
    const bool is_ahead = ++ran > 1000;
    if (x == 0) throw plain_failure{x};
    while (is_ahead && !larder::stop_requested()) std::this_thread::yield();
  };
  CHECK_THROWS_AS(parallel({.n_jobs = 1}).map(numbers(1000000), fail_first), plain_failure);
  CHECK(ran == 1);
  ran = 0;
  CHECK_THROWS_AS(parallel({.n_jobs = 2}).map(numbers(1000000), fail_first), plain_failure);
  CHECK(ran < 1000000);
}

TEMPLATE_TEST_CASE("map: results are destroyed exactly once, also after an error", "[parallel]",
                   counted<true>, counted<false>) {
  REQUIRE(TestType::alive == 0);
  for (const int n_jobs : {1, 3}) {
    const parallel pool({.n_jobs = n_jobs});
    {
      const auto results = pool.map(numbers(1000), [](int x) { return TestType(x); });
      CHECK(results[321].value() == 321);
      CHECK(TestType::alive == 1000);
    }
    CHECK(TestType::alive == 0);
    for (const int failing : {0, 500, 999}) {
      CHECK_THROWS_AS(pool.map(numbers(1000),
                               [&](int x) {
                                 TestType made(x);
                                 if (x == failing) throw plain_failure{x};
                                 return made;
                               }),
                      plain_failure);
      CHECK(TestType::alive == 0);
    }
  }
}

TEST_CASE("map: one pool serves several threads at once", "[parallel]") {
  const parallel pool({.n_jobs = 3});
  std::atomic<int> wrong = 0;
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&, caller] {
      for (int repeat = 0; repeat < 100; ++repeat) {
        try {
          const auto sums = pool.map(numbers(200), [&](int x) {
            if (caller == 3 && x == repeat) throw plain_failure{x};
            return x + caller;
          });
          if (caller == 3 || sums.back() != 199 + caller) ++wrong;
        } catch (const plain_failure& failure) {
          if (caller != 3 || failure.task != repeat) ++wrong;
        }
      }
    });
  }
  for (auto& caller : callers) caller.join();
  CHECK(wrong == 0);
}

TEST_CASE("map: nested three deep, inner maps run in the thread of their task", "[parallel]") {
  const parallel pool({.n_jobs = 3});
  std::atomic<int> elsewhere = 0;
  const auto sums = pool.map(numbers(20), [&](int x) {
    const auto self = std::this_thread::get_id();
    const auto middle = pool.map(numbers(10), [&](int y) {
      const auto inner = parallel({.n_jobs = 2}).map(numbers(10), [&](int z) {
        if (std::this_thread::get_id() != self) ++elsewhere;
        return x * 100 + y * 10 + z;
      });
      return std::accumulate(inner.begin(), inner.end(), 0);
    });
    return std::accumulate(middle.begin(), middle.end(), 0);
  });
  CHECK(elsewhere == 0);
  for (int x = 0; x < 20; ++x) CHECK(sums[static_cast<std::size_t>(x)] == x * 10000 + 4950);
}

TEST_CASE("map: an error of a nested map passes through the outer one", "[parallel]") {
  const parallel pool({.n_jobs = 2});
  CHECK_THROWS_AS(
      pool.map(numbers(10), [&](int) { pool.map(numbers(10), [](int y) { throw plain_failure{y}; }); }),
      plain_failure);
}

#if LARDER_TEST_THREADS_IN_CHILD
TEST_CASE("map: works in a child of fork after it has run in the parent", "[parallel][fork]") {
  const parallel pool({.n_jobs = 2});
  const auto meet = [&] {
    std::latch both(2);
    return pool.map(numbers(2), [&](int x) {
      both.arrive_and_wait();
      return x + 1;
    });
  };
  REQUIRE(meet() == std::vector<int>{1, 2});
  child_process child([&] { return meet() == std::vector<int>{1, 2} ? 0 : 1; });
  CHECK(child.wait() == 0);
  CHECK(meet() == std::vector<int>{1, 2});
}
#endif

TEST_CASE("parallel: a thousand pools leave no thread behind", "[parallel]") {
  const auto use_one = [] {
    const parallel pool({.n_jobs = 4});
    return pool.map(numbers(50), tripling{}).back();
  };
  std::latch all(4);  // all the threads that will be needed
  parallel({.n_jobs = 4, .batch_size = 1}).map(numbers(4), [&](int) { all.arrive_and_wait(); });
  const auto before = thread_count();
  for (int i = 0; i < 1000; ++i) REQUIRE(use_one() == 147);
  CHECK(thread_count() == before);
}
