#include <larder/parallel.hpp>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstddef>
#include <forward_list>
#include <fstream>
#include <map>
#include <memory>
#include <numeric>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <unistd.h>

#include <larder/array.hpp>
#include <larder/error.hpp>
#include <larder/fields.hpp>
#include <larder/memory.hpp>

#include "tests/cached_functions.hpp"
#include "tests/catch.hpp"
#include "tests/child_process.hpp"
#include "tests/fork_pool.hpp"
#include "tests/pools.hpp"
#include "tests/sanitizers.hpp"
#include "tests/scratch_dir.hpp"

using larder::backend;
using larder::parallel;

namespace {

struct point {
  int x = 0;
  double y = 0;
  LARDER_FIELDS(x, y)
  bool operator==(const point&) const = default;
};

struct table {
  std::string name;
  larder::array<const double> large;
  larder::array<double> writable;
  larder::array<const double> same_again;
  std::vector<double> column;
  LARDER_FIELDS(name, large, writable, same_again, column)
};

struct unstored {
  void* pointer;
};

enum class colour { red, green };

}  // namespace

TEST_CASE("fork: results come in order, of closures that refer to the caller's memory", "[parallel][fork]") {
  std::vector<int> inputs(1000);
  std::iota(inputs.begin(), inputs.end(), 7);
  int offset = 3;
  const auto pid = ::getpid();
  const auto results = fork_pool().map(inputs, [&](int i) {
    offset += 1000;  // the child's own
    return std::pair(i + 3, ::getpid() != pid);
  });
  for (int i = 0; i < 1000; ++i) {
    REQUIRE(results[static_cast<std::size_t>(i)] == std::pair(i + 10, true));
  }
  CHECK(offset == 3);
}

TEST_CASE("fork: results of all kinds", "[parallel][fork]") {
  const auto pool = fork_pool();
  CHECK(pool.map(numbers(3), [](int i) { return i % 2 == 0; }) == std::vector{true, false, true});
  CHECK(pool.map(numbers(2), [](int i) { return static_cast<colour>(i); }) ==
        std::vector{colour::red, colour::green});
  CHECK(pool.map(numbers(2), [](int i) { return std::string(100'000, static_cast<char>('a' + i)); }) ==
        std::vector{std::string(100'000, 'a'), std::string(100'000, 'b')});
  CHECK(pool.map(numbers(2), [](int i) {
    return std::map<int, std::string>{{i, "x"}};
  }) == std::vector<std::map<int, std::string>>{{{0, "x"}}, {{1, "x"}}});
  CHECK(pool.map(numbers(2), [](int i) {
    return point{i, 0.5};
  }) == std::vector{point{0, 0.5}, point{1, 0.5}});
  CHECK(pool.map(numbers(2), [](int i) {
    return std::vector<int>(static_cast<std::size_t>(i) * 1'000'000, i);
  }) == std::vector{std::vector<int>(), std::vector<int>(1'000'000, 1)});
  CHECK(*pool.map(numbers(2), [](int i) { return std::make_unique<int>(i); })[1] == 1);
  pool.map(numbers(2), [](int) {});
  CHECK(pool.map(numbers(0), [](int i) { return i; }).empty());
  CHECK(pool.map(std::forward_list{1, 2, 3}, [](int i) { return 2 * i; }) == std::vector{2, 4, 6});
}

TEST_CASE("fork: large arrays come as mappings, small ones as copies", "[parallel][fork]") {
  const auto pool = fork_pool({.max_nbytes = "100K"});
  constexpr std::size_t k_large = 100'000;
  for (const std::size_t count : {std::size_t{0}, std::size_t{10}, std::size_t{11'000}, k_large}) {
    const bool is_large = count * sizeof(double) > 102'400;
    auto writable = pool.map(numbers(4), [&](int i) { return filled(count, i); });
    auto constant =
        pool.map(numbers(4), [&](int i) -> larder::array<const double> { return filled(count, i); });
    for (std::size_t i = 0; i < 4; ++i) {
      CHECK(writable[i].is_mapped() == is_large);
      CHECK(constant[i].is_mapped() == is_large);
      CHECK(std::ranges::count(writable[i].flat(), static_cast<double>(i)) ==
            static_cast<std::ptrdiff_t>(count));
      CHECK(std::ranges::equal(constant[i].flat(), writable[i].flat()));
      writable[i].fill(9);
    }
    if (!is_large) continue;
    CHECK(writable[0].origin()->mode == larder::mmap_mode::copy_on_write);
    CHECK(constant[0].origin()->mode == larder::mmap_mode::read);
    // What is left is what it was, when its neighbours have gone.
    constant.erase(constant.begin(), constant.begin() + 2);
    CHECK(std::ranges::count(constant[1].flat(), 3) == static_cast<std::ptrdiff_t>(count));
  }
}

TEST_CASE("fork: a read-only result cannot be written to", "[parallel][fork]") {
  const auto results = fork_pool({.max_nbytes = 0}).map(numbers(2), [](int i) -> larder::array<const double> {
    return filled(1000, i);
  });
  child_process writer([&] {
    std::signal(SIGSEGV, SIG_DFL);
    const_cast<double&>(results[0](0)) = 1;
    return 0;
  });
  const int end = writer.wait();
#if LARDER_TEST_ADDRESS_SANITIZER
  CHECK(end != 0);
#else
  CHECK(end == -SIGSEGV);
#endif
}

TEST_CASE(
    "fork: mapped results stay whole in children of fork when the parent lets go, and the other way round",
    "[parallel][fork]") {
  const auto pool = fork_pool({.max_nbytes = 0});
  const auto make = [](int i) -> larder::array<const double> { return filled(100'000, i + 1); };
  auto results = pool.map(numbers(2), make);
  const process_signal dropped;
  child_process holder([&] {
    dropped.wait();
    return std::ranges::count(results[0].flat(), 1) == 100'000 ? 0 : 1;
  });
  results.erase(results.begin());
  dropped.post();
  CHECK(holder.wait() == 0);

  child_process dropper([&] {
    results.clear();
    return 0;
  });
  CHECK(dropper.wait() == 0);
  CHECK(std::ranges::count(results[0].flat(), 2) == 100'000);
}

TEST_CASE("fork: views and column-major arrays keep their elements and their order", "[parallel][fork]") {
  for (const char* limit : {"1K", "none"}) {
    const auto results = fork_pool({.max_nbytes = limit}).map(numbers(2), [](int i) {
      larder::array<int> a({300, 400});
      for (int n = 0; n < 300 * 400; ++n) a.flat()[static_cast<std::size_t>(n)] = n;
      return i == 0 ? a.transpose() : a.slice(1, 0, 400, 3);
    });
    CHECK(results[0].transpose().is_contiguous());
    CHECK(results[0](399, 299) == 300 * 400 - 1);
    CHECK(results[1].shape(1) == 134);
    CHECK(results[1](299, 133) == 299 * 400 + 399);
  }
}

TEST_CASE("fork: arrays within objects are mapped, and those that were one stay one", "[parallel][fork]") {
  const auto results = fork_pool({.max_nbytes = "100K"}).map(numbers(2), [](int i) {
    larder::array<double> a = filled(50'000, i);
    return table{"t" + std::to_string(i), a, filled(50'000, -i), a, std::vector<double>(50'000, 0.5)};
  });
  for (std::size_t i = 0; i < 2; ++i) {
    const table& t = results[i];
    CHECK(t.name == "t" + std::to_string(i));
    CHECK(t.large.is_mapped());
    CHECK(t.large.data() == t.same_again.data());
    CHECK(t.writable.is_mapped());
    CHECK(t.large(49'999) == static_cast<double>(i));
    CHECK(t.writable(49'999) == -static_cast<double>(i));
    CHECK(t.column == std::vector<double>(50'000, 0.5));
  }
}

TEST_CASE("fork: statistics count tasks, and bytes by how they came", "[parallel][fork]") {
  const auto [results, stats] = fork_pool({.max_nbytes = "1M"}).map_with_stats(numbers(4), [](int i) {
    return filled(i == 0 ? 1'000'000 : 1'000, i);
  });
  CHECK(stats.tasks == 4);
  CHECK(stats.batches >= 2);
  CHECK(stats.bytes_mapped == 8'000'000);
  CHECK(stats.bytes_copied == 3 * 8'000);
  CHECK(stats.worker_seconds.size() == 2);
  CHECK(stats.seconds > 0);
}

TEST_CASE("fork: results that cannot travel are refused before anything is forked", "[parallel][fork]") {
  const scratch_dir dir;
  const auto leave_trace = [&](int) {
    std::ofstream(dir / "ran");
    return unstored{nullptr};
  };
  CHECK_THROWS_AS(fork_pool().map(numbers(3), leave_trace), larder::not_shippable);
  CHECK_THROWS_AS(fork_pool().map(std::forward_list{1, 2}, leave_trace), larder::not_shippable);
  CHECK(dir.names().empty());
}

TEST_CASE("fork: nested calls run in the child, and on threads where that is asked for", "[parallel][fork]") {
  const auto inner = [](int i) {
    const auto pid = ::getpid();
    const auto all =
        parallel({.n_jobs = 3}).map(numbers(10), [&](int k) { return std::pair(k + i, ::getpid() == pid); });
    const auto forked =
        parallel(on(backend::fork, {.n_jobs = 3})).map(numbers(10), [&](int k) { return k + i; });
    int sum = 0;
    for (std::size_t k = 0; k < 10; ++k) sum += all[k].second ? all[k].first + forked[k] : -1000;
    return sum;
  };
  CHECK(fork_pool().map(numbers(3), inner) == std::vector{90, 110, 130});
#if LARDER_TEST_THREADS_IN_CHILD
  CHECK(fork_pool({.inner_threads = 2, .allow_threads = true}).map(numbers(3), inner) ==
        std::vector{90, 110, 130});
#endif
}

TEST_CASE("fork: calls within tasks have as many children as inner_threads allows", "[parallel][fork]") {
  const auto inner = [](int) {
    const auto own = ::getpid();
    const parallel pool(on(backend::fork, {.n_jobs = 3, .batch_size = 1}));
    const auto pids = pool.map(numbers(6), [&](int) { return ::getpid(); });
    const std::set<pid_t> different(pids.begin(), pids.end());
    return different.contains(own) ? 1 : 1 + static_cast<int>(different.size());
  };
  CHECK(fork_pool().map(numbers(2), inner) == std::vector{1, 1});
  for (const int children : fork_pool({.inner_threads = 2}).map(numbers(2), inner)) {
    CHECK(children > 1);
    CHECK(children <= 3);
  }
}

TEST_CASE("fork: more workers than tasks, and many cheap tasks", "[parallel][fork]") {
  CHECK(fork_pool({.n_jobs = 7}).map(numbers(3), [](int i) { return i; }) == std::vector{0, 1, 2});
  for (const auto& size :
       {larder::number_or_text("auto"), larder::number_or_text(1), larder::number_or_text(1000)}) {
    const auto results =
        fork_pool({.n_jobs = 3, .batch_size = size}).map(numbers(100'000), [](int i) { return i; });
    REQUIRE(results.size() == 100'000);
    CHECK(std::ranges::is_sorted(results));
    CHECK(results.back() == 99'999);
  }
  const auto texts = fork_pool().map(numbers(100'000), [](int i) { return std::to_string(i); });
  for (std::size_t i = 0; i < texts.size(); ++i) REQUIRE(texts[i] == std::to_string(i));
}

TEST_CASE("fork: imap and submit give results while other tasks run", "[parallel][fork]") {
  const auto pool = fork_pool();
  const process_signal taken;
  // The first batch's second task ends only when the first one's result is here.
  int next = 0;
  for (const int i : fork_pool({.batch_size = 2}).imap(std::vector{0, 1, 2, 3}, [&](int k) {
         if (k == 1) taken.wait();
         return k;
       })) {
    CHECK(i == next++);
    if (i == 0) taken.post();
  }
  CHECK(next == 4);

  auto slow = pool.submit([&] {
    taken.wait();
    return 1;
  });
  auto quick = pool.submit([] { return std::string("quick"); });
  auto third = pool.submit([](int i) { return i; }, 3);
  CHECK(quick.get() == "quick");
  CHECK(third.get() == 3);
  CHECK_FALSE(slow.is_ready());
  taken.post();
  CHECK(slow.get() == 1);
  auto fails = pool.submit([]() -> int { throw std::out_of_range("text"); });
  CHECK_THROWS_AS(fails.get(), std::out_of_range);
}

TEST_CASE("fork: a result is there for who asks again and again without waiting", "[parallel][fork]") {
  auto answer = fork_pool().submit([] { return 42; });
  while (!answer.is_ready()) std::this_thread::yield();
  CHECK(answer.get() == 42);
}

TEST_CASE("fork: a cancelled task is killed, and leaves no child", "[parallel][fork]") {
  const auto pool = fork_pool();
  std::vector<larder::future<int>> all;
  for (int i = 0; i < 4; ++i) {
    all.push_back(pool.submit([] {
      for (;;) ::pause();
      return 0;
    }));
  }
  for (auto& each : all) {
    each.cancel();
    CHECK_THROWS_AS(each.get(), larder::task_cancelled);
  }
  CHECK_FALSE(has_children());
  CHECK(pool.submit([] { return 1; }).get() == 1);
}

TEST_CASE("fork: a stream that is dropped leaves no child", "[parallel][fork]") {
  {
    auto stream = fork_pool().imap(std::vector{0, 1, 2, 3}, [](int i) {
      while (i != 0) ::pause();
      return i;
    });
    CHECK(*stream.begin() == 0);
  }
  {
    const auto unwanted = fork_pool().submit([] { ::pause(); });
  }
  CHECK_FALSE(has_children());
}

#if LARDER_TEST_FORK_BESIDE_THREADS
TEST_CASE("fork: several threads wait for results of one pool", "[parallel][fork]") {
  const auto pool = fork_pool({.allow_threads = true});
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        if (pool.submit([=] { return 100 * t + i; }).get() != 100 * t + i) ++wrong;
      }
    });
  }
  for (auto& each : threads) each.join();
  CHECK(wrong == 0);
}
#endif

TEST_CASE("fork: cached functions share their cache", "[parallel][fork]") {
  const scratch_dir dir;
  const larder::memory cache(dir.path());
  const auto cached = cache.cache("ramp", ramp, {.version = "1"});
  const std::vector<int> sizes = {10, 20, 30, 10, 20, 30};
  const auto results = fork_pool().map(sizes, cached);
  CHECK(results[5](29) == 29);
  CHECK(entries_in(dir.path()).size() == 3);
  calls = 0;
  CHECK(cached(20)(19) == 19);
  CHECK(calls == 0);
}
