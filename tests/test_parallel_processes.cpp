#include <larder/parallel.hpp>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <forward_list>
#include <fstream>
#include <functional>
#include <memory>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

#include <larder/error.hpp>
#include <larder/fields.hpp>
#include <larder/function.hpp>
#include <larder/memory.hpp>

#include "tests/catch.hpp"
#include "tests/child_process.hpp"
#include "tests/process_pool.hpp"
#include "tests/sanitizers.hpp"
#include "tests/scratch_dir.hpp"

using larder::delayed;
using larder::parallel;

namespace {

double half(double x) { return x / 2; }
int square(int x) { return x * x; }

struct scaled {
  double by = 1;
  double operator()(double x) const { return x * by; }
  LARDER_FIELDS(by)
};

struct point {
  double x = 0;
  std::string name;
  LARDER_FIELDS(x, name)
};

/// Counts how often it was made from a message, in its process.
struct counted_arrival {
  static inline std::atomic<int> arrivals = 0;
  int value = 0;

  template <class Archive>
  void save(Archive& archive) const {
    archive(value);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(value);
    ++arrivals;
  }
};

int initialized = 0;

}  // namespace

TEST_CASE("processes: functions of every kind that can be shipped", "[parallel][processes]") {
  const auto pool = process_pool();
  const std::vector<double> xs = {1, 4, 9};
  CHECK(pool.map(xs, half) == std::vector{0.5, 2.0, 4.5});
  CHECK(pool.map(xs, &half) == std::vector{0.5, 2.0, 4.5});
  CHECK(pool.map(xs, [](double x) { return x + 1; }) == std::vector{2.0, 5.0, 10.0});
  CHECK(pool.map(xs, LARDER_FN(std::sqrt)) == std::vector{1.0, 2.0, 3.0});
  CHECK(pool.map(xs, scaled{3}) == std::vector{3.0, 12.0, 27.0});
  CHECK(pool.map(xs, std::negate<>()) == std::vector{-1.0, -4.0, -9.0});
  const std::vector<point> points = {{1, "a"}, {2, "b"}};
  CHECK(pool.map(points, &point::name) == std::vector<std::string>{"a", "b"});
}

TEST_CASE("processes: arguments and results of every kind that can be stored", "[parallel][processes]") {
  const auto pool = process_pool();
  const std::vector<std::string> words = {"one", "three"};
  CHECK(pool.map(
            words, [](const std::string& w, const char* end, int n) { return w + end + std::to_string(n); },
            "!", 2) == std::vector<std::string>{"one!2", "three!2"});
  const auto points = pool.map(numbers(3), [](int i) { return point{i + 0.5, std::to_string(i)}; });
  CHECK(points[2].x == 2.5);
  CHECK(points[2].name == "2");
  CHECK(pool.map(numbers(3), [](int i) { return i % 2 == 0; }) == std::vector<bool>{true, false, true});
  auto owned = pool.map(numbers(2), [](int i) { return std::make_unique<int>(i); });
  CHECK(*owned[1] == 1);
  pool.map(numbers(3), [](int) {});
  CHECK(pool.map(std::vector<bool>{true, false}, [](bool b) { return !b; }) ==
        std::vector<bool>{false, true});
  CHECK(pool.map(std::vector<int>(), square).empty());
}

TEST_CASE("processes: ranges of every kind, and every way to call", "[parallel][processes]") {
  const auto pool = process_pool();
  std::vector<int> many(10000);
  std::iota(many.begin(), many.end(), 0);
  const auto squares = pool.map(many, square);
  for (int i = 0; i < 10000; ++i) REQUIRE(squares[static_cast<std::size_t>(i)] == i * i);
  CHECK(pool.map(std::forward_list<int>{1, 2, 3}, square) == std::vector{1, 4, 9});
  CHECK(process_pool({.pre_dispatch = 3}).map(many, square) == squares);
  CHECK(process_pool({.batch_size = 7}).map(many, square) == squares);

  int expected = 0;
  for (const int r : pool.imap(numbers(1000), square)) {
    REQUIRE(r == expected * expected);
    ++expected;
  }
  CHECK(expected == 1000);
  std::multiset<int> unordered;
  for (const int r : pool.imap_unordered(
           numbers(100), [](int x, int by) { return x * by; }, 3))
    unordered.insert(r);
  CHECK(unordered.size() == 100);
  CHECK(*unordered.rbegin() == 297);

  CHECK(pool.map_reduce(many, square, 0LL, std::plus<>()) == 333283335000LL);
  CHECK(pool.map_reduce(
            std::vector<std::string>{"a", "b", "c"}, [](const std::string& s) { return s; }, std::string("<"),
            std::plus<>()) == "<abc");
  const std::vector tasks = {delayed(half)(2.0), delayed(half)(4.0)};
  CHECK(pool(tasks) == std::vector{1.0, 2.0});

  auto later = pool.submit(half, 5.0);
  auto other = pool.submit([](std::string a, const std::string& b) { return std::move(a) + b; },
                           std::string("x"), std::string("y"));
  CHECK(later.get() == 2.5);
  CHECK(other.get() == "xy");
}

TEST_CASE("processes: submitted calls go on while nobody waits", "[parallel][processes]") {
  const scratch_dir dir;
  const auto pool = process_pool();
  std::vector<larder::future<int>> futures;
  for (int i = 0; i < 20; ++i) {
    futures.push_back(pool.submit(
        [](int n, const std::string& path) {
          std::fclose(std::fopen((path + std::to_string(n)).c_str(), "w"));
          return n;
        },
        i, (dir / "done").string()));
  }
  while (!std::filesystem::exists(dir / "done19")) std::this_thread::yield();
  for (int i = 0; i < 20; ++i) CHECK(futures[static_cast<std::size_t>(i)].get() == i);
}

TEST_CASE("processes: tasks run elsewhere, in workers that are used again by calls and pools",
          "[parallel][processes]") {
  const auto first = processes_of(process_pool());
  CHECK(first.count(::getpid()) == 0);
  CHECK(first.size() <= 2);
  // Those of the first call are taken before others are started.
  const auto all = [&] {
    auto pids = first;
    for (int i = 0; i < 5; ++i) pids.merge(processes_of(process_pool()));
    return pids;
  }();
  CHECK(all.size() <= 2);
  const auto others = processes_of(process_pool({.inner_threads = 2}));
  for (const pid_t each : others) CHECK(all.count(each) == 0);
}

TEST_CASE("processes: what cannot be shipped is refused, and the text says why", "[parallel][processes]") {
  const auto pool = process_pool();
  int captured = 3;
  const auto e =
      caught<larder::not_shippable>([&] { pool.map(numbers(3), [&](int i) { return i + captured; }); });
  REQUIRE(e);
  CHECK_THAT(e->what(),
             Catch::Matchers::ContainsSubstring("captures") && Catch::Matchers::ContainsSubstring("fork"));
  CHECK_THROWS_AS(pool.map(numbers(3), std::function<int(int)>(square)), larder::not_shippable);
  CHECK_THROWS_AS(pool.map(numbers(3), [](int) { return static_cast<void*>(nullptr); }),
                  larder::not_shippable);
  CHECK_THROWS_AS(pool.submit([&] { return captured; }).get(), larder::not_shippable);
  std::vector<int*> pointers = {&captured};
  CHECK_THROWS_AS(pool.map(pointers, [](int* p) { return *p; }), larder::not_shippable);
  CHECK(pool.map(numbers(3), square) == std::vector{0, 1, 4});
}

TEST_CASE("processes: exceptions end the call, keep their types, and leave the pool usable",
          "[parallel][processes]") {
  const auto pool = process_pool();
  const auto fails = [](int i) {
    if (i == 7) throw std::out_of_range("seven");
    return i;
  };
  for (int repeat = 0; repeat < 20; ++repeat) {
    const auto e = caught<std::out_of_range>([&] { pool.map(numbers(100), fails); });
    REQUIRE(e);
    CHECK(e->what() == std::string("seven"));
    REQUIRE(pool.map(numbers(3), square) == std::vector{0, 1, 4});
  }
  auto failing = pool.submit(fails, 7);
  auto fine = pool.submit(fails, 8);
  CHECK_THROWS_AS(failing.get(), std::out_of_range);
  CHECK(fine.get() == 8);
  struct own {};
  CHECK_THROWS_AS(pool.map(numbers(1), [](int) { throw own(); }), larder::task_error);
}

TEST_CASE("processes: shared arguments travel once per worker, not per task", "[parallel][processes]") {
  const auto pool = process_pool({.batch_size = 1});
  const auto arrivals = pool.map(
      numbers(100),
      [](int, const counted_arrival& shared) { return std::pair(::getpid(), shared.arrivals.load()); },
      counted_arrival{5});
  std::set<pid_t> pids;
  for (const auto& [pid, count] : arrivals) {
    pids.insert(pid);
    CHECK(count <= static_cast<int>(arrivals.size()) /
                       10);  // of this call one each; workers may have had others before
  }
  const auto again = pool.map(
      numbers(100), [](int, const counted_arrival& shared) { return shared.arrivals.load(); },
      counted_arrival{5});
  for (const int count : again) CHECK(count <= 2 * 2);
}

TEST_CASE("processes: calls within tasks run alone, in the worker", "[parallel][processes]") {
  const auto inner = process_pool().map(numbers(4), [](int) {
    const parallel nested({.n_jobs = 3});
    const auto pids = nested.map(numbers(4), [](int) { return ::getpid(); });
    return std::ranges::count(pids, ::getpid());
  });
  CHECK(inner == std::vector<std::ptrdiff_t>(4, 4));
}

TEST_CASE("processes: the initializer runs once in each worker, also in those started later",
          "[parallel][processes]") {
  const auto pool = process_pool({.initializer = [] { ++initialized; }, .max_retries = 1});
  const auto counts = [&] { return pool.map(numbers(20), [](int) { return initialized; }); };
  CHECK(counts() == std::vector<int>(20, 1));
  CHECK(counts() == std::vector<int>(20, 1));
  CHECK(initialized == 0);
  const scratch_dir dir;
  const auto after_death = pool.map(
      numbers(20),
      [](int i, const std::string& path) {
        if (i == 3 && !std::filesystem::exists(path)) {
          std::fclose(std::fopen(path.c_str(), "w"));
          std::_Exit(1);
        }
        return initialized;
      },
      (dir / "died").string());
  CHECK(after_death == std::vector<int>(20, 1));
  const auto failing = process_pool({.initializer = [] { throw std::domain_error("no licence"); }});
  CHECK_THROWS_AS(failing.map(numbers(2), square), std::domain_error);
  CHECK_THROWS_AS(failing.map(numbers(2), square), std::domain_error);
}

#if !LARDER_TEST_ADDRESS_SANITIZER && !LARDER_TEST_THREAD_SANITIZER
TEST_CASE("processes: the memory of large arguments and results is not kept", "[parallel][processes]") {
  static constexpr std::size_t k_bytes = std::size_t{64} << 20;
  const auto pool = process_pool();
  const auto resident = [](int) {
    std::size_t all = 0;
    std::size_t there = 0;
    std::ifstream("/proc/self/statm") >> all >> there;
    return there * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  };
  CHECK(pool.map(numbers(2), [](int) { return std::string(k_bytes, 'x'); })[1].size() == k_bytes);
  CHECK(pool.map(
            numbers(2), [](int, const std::string& s) { return s.size(); }, std::string(k_bytes, 'y'))[1] ==
        k_bytes);
  // A worker hears with a later message that it may let an argument go.
  const auto is_small = [](std::size_t each) { return each < k_bytes; };
  bool all_are_small = false;
  for (int calls = 0; calls < 100 && !all_are_small; ++calls)
    all_are_small = std::ranges::all_of(pool.map(numbers(8), resident), is_small);
  CHECK(all_are_small);
  CHECK(resident(0) < k_bytes);
}
#endif

TEST_CASE("processes: works while other threads of the program run", "[parallel][processes]") {
  std::atomic<bool> ends = false;
  std::vector<std::thread> others;
  for (int i = 0; i < 16; ++i) {
    others.emplace_back([&] {
      while (!ends) std::vector<int>(100).swap(*std::make_unique<std::vector<int>>(3));
    });
  }
  for (int i = 0; i < 10; ++i) CHECK(process_pool().map(numbers(50), square)[49] == 2401);
  std::vector<std::thread> callers;
  std::atomic<int> right = 0;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      for (int k = 0; k < 5; ++k) right += process_pool().map(numbers(50), square)[49] == 2401 ? 1 : 0;
    });
  }
  for (auto& each : callers) each.join();
  ends = true;
  for (auto& each : others) each.join();
  CHECK(right == 20);
}

TEST_CASE("processes: one pool may be used from several threads", "[parallel][processes]") {
  const auto pool = process_pool();
  std::vector<std::thread> callers;
  std::atomic<int> right = 0;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      for (int k = 0; k < 5; ++k) {
        right += pool.map(numbers(50), square)[49] == 2401 ? 1 : 0;
        right += pool.submit(square, 3).get() == 9 ? 1 : 0;
      }
    });
  }
  for (auto& each : callers) each.join();
  CHECK(right == 40);
}

TEST_CASE("processes: cached functions share the cache, and compute each key once over all workers",
          "[parallel][processes]") {
  const scratch_dir dir;
  const larder::memory memory(dir / "cache");
  const auto slow = memory.cache("slow", [](int key, const std::string& path) {
    std::FILE* const file =
        std::fopen((path + std::to_string(key)).c_str(), "ax");  // each once: else it fails
    if (file == nullptr) throw std::runtime_error("computed twice");
    std::fclose(file);
    return key * 2;
  });
  std::vector<int> keys;
  for (int i = 0; i < 200; ++i) keys.push_back(i % 10);
  const auto pool = process_pool({.batch_size = 1});
  const auto results = pool.map(keys, slow, (dir / "computed").string());
  for (std::size_t i = 0; i < keys.size(); ++i) REQUIRE(results[i] == keys[i] * 2);
  CHECK(slow.check_call_in_cache(3, (dir / "computed").string()));
  CHECK(slow(3, (dir / "computed").string()) == 6);
}

TEST_CASE("processes: workers forget memories that came first, with what they have open",
          "[parallel][processes]") {
  const scratch_dir dir;
  const auto pool = process_pool();
  for (int i = 0; i < 70; ++i) {
    const larder::memory memory(dir / std::to_string(i));
    CHECK(pool.map(numbers(2), memory.cache("square", square, {.version = "1"})) == std::vector<int>{0, 1});
  }
}

TEST_CASE("processes: workers have the threads of their share, and stdout is flushed",
          "[parallel][processes]") {
  const auto shares = process_pool({.inner_threads = 3}).map(numbers(2), [](int) {
    return std::string(std::getenv("OMP_NUM_THREADS")) + std::getenv("OPENBLAS_NUM_THREADS");
  });
  CHECK(shares == std::vector<std::string>(2, "33"));
  const scratch_dir dir;
  const auto output = dir / "output";
  std::fflush(stdout);
  child_process program([&] {
    if (std::freopen(output.c_str(), "w", stdout) == nullptr) return 1;
    process_pool().map(numbers(2), [](int i) { std::printf("task %d", i); });
    return 0;
  });
  REQUIRE(program.wait() == 0);
  CHECK(std::filesystem::file_size(output) == 12);
}
