#include <larder/parallel.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <larder/array.hpp>
#include <larder/error.hpp>

#include "tests/catch.hpp"
#include "tests/pools.hpp"

using larder::backend;
using larder::parallel;

namespace {

constexpr auto k_text = [](int x) { return std::to_string(x) + " "; };
constexpr auto k_join = [](std::string a, const std::string& b) { return std::move(a) + b; };

std::string texts(int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += k_text(i);
  return all;
}

}  // namespace

TEST_CASE("map_reduce: combines in the order of the range, on every backend", "[parallel]") {
  for (const auto where : k_backends) {
    for (const int n_jobs : {1, 2, 5}) {
      for (const long batch_size : {0L, 1L, 3L}) {
        larder::parallel_options options = on(where, {.n_jobs = n_jobs});
        if (batch_size != 0) options.batch_size = batch_size;
        const parallel pool(options);
        for (const int count : {0, 1, 2, 7, where == backend::fork ? 60 : 3000}) {
          INFO(name_of(where) << ' ' << n_jobs << ' ' << batch_size << ' ' << count);
          REQUIRE(pool.map_reduce(std::views::iota(0, count), k_text, std::string("> "), k_join) ==
                  "> " + texts(count));
          REQUIRE(pool.map_reduce(listed(count), k_text, std::string("> "), k_join) == "> " + texts(count));
        }
      }
    }
  }
}

TEST_CASE("map_reduce: in any order it uses each result once", "[parallel]") {
  for (const auto where : k_backends) {
    const parallel pool(on(where, {.n_jobs = 2, .reduce_order = larder::reduce_order::any}));
    CHECK(pool.map_reduce(
              std::views::iota(0, 1001), [](int x) { return x; }, 1000000L, std::plus<>{}) == 1500500);
    CHECK(pool.map_reduce(
              listed(101), [](int x) { return x; }, 0, std::plus<>{}) == 5050);
  }
}

TEST_CASE("map_reduce: shared arguments, conversion to the initial value's type, and move-only values",
          "[parallel]") {
  const parallel pool({.n_jobs = 2});
  const double sum = pool.map_reduce(
      std::views::iota(0, 100), [](int x, const std::vector<int>& add) { return x + add.at(0); }, 0.5,
      std::plus<>{}, std::vector{1});
  CHECK(sum == 5050.5);
  const auto largest = pool.map_reduce(
      std::views::iota(0, 1000), [](int x) { return std::make_unique<int>(x * 7919 % 1000); },
      std::make_unique<int>(-1),
      [](std::unique_ptr<int> a, std::unique_ptr<int> b) { return *a < *b ? std::move(b) : std::move(a); });
  CHECK(*largest == 999);
}

TEST_CASE("map_reduce: arrays", "[parallel]") {
  const auto count = [](int x) {
    larder::array<long> bins({10});
    bins(static_cast<std::size_t>(x % 10)) = 1;
    return bins;
  };
  const auto add = [](larder::array<long> a, const larder::array<long>& b) {
    for (std::size_t i = 0; i < a.size(); ++i) a(i) += b(i);
    return a;
  };
  for (const auto where : k_backends) {
    const auto bins = parallel(on(where, {.n_jobs = 2}))
                          .map_reduce(std::views::iota(0, 500), count, larder::array<long>({10}), add);
    CHECK(std::ranges::all_of(bins.flat(), [](long each) { return each == 50; }));
  }
}

TEST_CASE("map_reduce_with_stats: says what was done", "[parallel]") {
  for (const auto where : k_backends) {
    const parallel pool(on(where, {.n_jobs = 2}));
    const auto same = [](int x) { return x; };
    const auto [sum, stats] = pool.map_reduce_with_stats(std::views::iota(0, 100), same, 0, std::plus<>{});
    CHECK(sum == 4950);
    CHECK(stats.tasks == 100);
    CHECK(stats.batches >= 1);
    CHECK(pool.map_reduce_with_stats(listed(50), same, 0, std::plus<>{}).second.tasks == 50);
  }
}

TEST_CASE("map_reduce: what a task or the operation throws arrives", "[parallel]") {
  for (const auto where : k_backends) {
    for (const int n_jobs : {1, 2}) {
      INFO(name_of(where) << ' ' << n_jobs);
      const parallel pool(on(where, {.n_jobs = n_jobs}));
      const auto fails = [](int x) {
        if (x == 30) throw std::out_of_range("task");
        return x;
      };
      CHECK_THROWS_WITH(pool.map_reduce(std::views::iota(0, 60), fails, 0, std::plus<>{}), "task");
      CHECK_THROWS_WITH(pool.map_reduce(listed(60), fails, 0, std::plus<>{}), "task");
      const auto refuses = [](int a, int b) -> int {
        if (a > 100) throw std::domain_error("operation");
        return a + b;
      };
      CHECK_THROWS_AS(pool.map_reduce(
                          listed(60), [](int x) { return x; }, 0, refuses),
                      std::domain_error);
      CHECK(pool.map_reduce(
                listed(5), [](int x) { return x; }, 0, std::plus<>{}) == 10);
    }
  }
}

TEST_CASE("map_reduce: keeps a timeout", "[parallel]") {
  const parallel pool({.n_jobs = 2, .timeout = std::chrono::milliseconds(30)});
  CHECK_THROWS_AS(pool.map_reduce(
                      std::views::iota(0, 10),
                      [](int x) {
                        while (x == 5 && !larder::stop_requested()) {
                        }
                        return x;
                      },
                      0, std::plus<>{}),
                  larder::timeout_error);
}
