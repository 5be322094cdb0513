#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <thread>
#include <vector>

#include "parallel/task_ranges.hpp"
#include "tests/catch.hpp"

using larder::detail::task_range;
using larder::detail::task_ranges;
using larder::detail::task_taker;

namespace {

// Ranges in memory of their own.
class made_ranges {
 public:
  made_ranges(std::size_t count, unsigned workers, std::size_t batch_size)
      : room_(::operator new (task_ranges::bytes_needed(workers), std::align_val_t{alignof(task_ranges)})),
        ranges_(task_ranges::make(room_.get(), count, workers, batch_size)) {}

  task_ranges& operator*() { return ranges_; }
  task_ranges* operator->() { return &ranges_; }

 private:
  struct release {
    void operator()(void* room) const { ::operator delete (room, std::align_val_t{alignof(task_ranges)}); }
  };
  std::unique_ptr<void, release> room_;
  task_ranges& ranges_;
};

// What one worker gets until there is nothing left.
std::vector<task_range> take_all(task_ranges& from, unsigned worker) {
  std::vector<task_range> all;
  task_taker taker(from, worker);
  for (auto batch = taker.next(); !batch.empty(); batch = taker.next()) all.push_back(batch);
  CHECK(taker.batches() == all.size());
  return all;
}

std::size_t total(const std::vector<task_range>& batches) {
  std::size_t sum = 0;
  for (const auto& batch : batches) sum += batch.size();
  return sum;
}

}  // namespace

TEST_CASE("task ranges: every task is handed out once, to many workers at once", "[parallel][ranges]") {
  for (const std::size_t batch_size : {0U, 1U, 7U}) {
    for (const std::size_t count : {0U, 1U, 2U, 3U, 100U, 20'000U}) {
      for (const unsigned workers : {1U, 2U, 4U, 7U}) {
        made_ranges ranges(count, workers, batch_size);
        std::vector<std::atomic<int>> runs(count);
        std::atomic<std::size_t> tasks = 0;
        std::vector<std::thread> threads;
        for (unsigned worker = 0; worker < workers; ++worker) {
          threads.emplace_back([&, worker] {
            task_taker taker(*ranges, worker);
            for (auto batch = taker.next(); !batch.empty(); batch = taker.next()) {
              for (std::size_t i = batch.begin; i != batch.end; ++i) ++runs[i];
            }
            tasks += taker.tasks();
          });
        }
        for (auto& thread : threads) thread.join();
        bool once = true;
        for (const auto& each : runs) once = once && each == 1;
        CHECK(once);
        CHECK(tasks == count);
      }
    }
  }
}

TEST_CASE("task ranges: thieves that outrun the owners get every task once", "[parallel][ranges]") {
  // As many single tasks as make ranges short and thefts frequent.
  for (int repeat = 0; repeat < 200; ++repeat) {
    made_ranges ranges(64, 4, 1);
    std::atomic<std::uint64_t> ran = 0;
    std::atomic<int> twice = 0;
    std::vector<std::thread> threads;
    for (unsigned worker = 1; worker < 4; ++worker) {
      threads.emplace_back([&, worker] {
        task_taker taker(*ranges, worker);
        for (auto batch = taker.next(); !batch.empty(); batch = taker.next()) {
          const std::uint64_t bit = std::uint64_t{1} << batch.begin;
          if ((ran.fetch_or(bit) & bit) != 0) ++twice;
        }
      });
    }
    for (auto& thread : threads) thread.join();
    REQUIRE(twice == 0);
    REQUIRE(ran == ~std::uint64_t{0});
  }
}

TEST_CASE("task ranges: a worker alone gets the tasks of those that never come", "[parallel][ranges]") {
  for (const std::size_t batch_size : {0U, 3U}) {
    made_ranges ranges(1000, 8, batch_size);
    const auto batches = take_all(*ranges, 5);
    CHECK(total(batches) == 1000);
    std::vector<int> runs(1000, 0);
    for (const auto& batch : batches) {
      for (std::size_t i = batch.begin; i != batch.end; ++i) ++runs[i];
    }
    CHECK(runs == std::vector<int>(1000, 1));
  }
}

TEST_CASE("task ranges: a batch is of exactly the size that was asked for, but for the last",
          "[parallel][ranges]") {
  for (const unsigned workers : {1U, 3U}) {
    made_ranges ranges(1003, workers, 10);
    int full = 0;
    int last = 0;
    for (const auto& batch : take_all(*ranges, 0)) {
      CHECK(batch.begin % 10 == 0);
      full += batch.size() == 10 ? 1 : 0;
      last += batch.size() == 3 && batch.end == 1003 ? 1 : 0;
    }
    CHECK(full == 100);
    CHECK(last == 1);
  }
  made_ranges larger(5, 2, 100);
  CHECK(take_all(*larger, 1).size() == 1);
}

TEST_CASE("task ranges: automatic batches begin with single tasks and end small", "[parallel][ranges]") {
  made_ranges ranges(100'000, 2, 0);
  task_taker taker(*ranges, 0);
  CHECK(taker.next().size() == 1);
  std::size_t last = 0;
  for (auto batch = taker.next(); !batch.empty(); batch = taker.next()) last = batch.size();
  CHECK(last == 1);
  CHECK(taker.tasks() == 100'000);
}

TEST_CASE("task ranges: an automatic batch is twice as large as one of next to no time",
          "[parallel][ranges]") {
  using clock = std::chrono::steady_clock;
  made_ranges ranges(std::size_t{1} << 30, 1, 0);
  task_taker taker(*ranges, 0);
  // The taker looks at the clock within next(): what is measured from before one to behind the following is longer than
  // what it sees. On a machine where that is always too long, batches need not grow.
  auto before = clock::now();
  std::size_t last = taker.next().size();
  bool is_right = true;
  for (int i = 0; i < 10'000 && last < 1024; ++i) {
    const auto begun = clock::now();
    const std::size_t size = taker.next().size();
    const bool is_short = clock::now() - before < std::chrono::microseconds(4);
    is_right = is_right && (size == 2 * last || (!is_short && size <= last));
    before = begun;
    last = size;
  }
  CHECK(is_right);
  if (last < 1024) WARN("no batch took less than 4 us: it was not seen whether they grow");
}

TEST_CASE("task ranges: counts that do not fit into half a word", "[parallel][ranges]") {
  constexpr std::size_t k_two_to_32 = std::size_t{1} << 32;
  SECTION("automatic") {
    for (const std::size_t count : {k_two_to_32 - 2, k_two_to_32 - 1, k_two_to_32, k_two_to_32 + 1,
                                    5 * k_two_to_32 + 3, std::numeric_limits<std::size_t>::max()}) {
      made_ranges ranges(count, 3, 0);
      // One worker's batches grow while nobody runs them, so that there are some hundred.
      const auto batches = take_all(*ranges, 0);
      CHECK(total(batches) == count);
      CHECK(batches.size() < 100'000);
      CHECK(batches[0].size() <= count / (k_two_to_32 - 1) + 1);
    }
  }
  SECTION("batches of a size that was asked for") {
    constexpr std::size_t k_batch = 3;
    const std::size_t count = k_batch * (2 * k_two_to_32) + 1;
    made_ranges ranges(count, 2, k_batch);
    task_taker taker(*ranges, 1);
    std::size_t end = 0;
    for (int i = 0; i < 1000; ++i) {
      const auto batch = taker.next();
      REQUIRE(batch.size() == k_batch);
      REQUIRE(batch.begin % k_batch == 0);
      REQUIRE((end == 0 || batch.begin == end));
      end = batch.end;
    }
  }
  SECTION("one batch of all") {
    made_ranges ranges(5 * k_two_to_32, 2, std::numeric_limits<std::size_t>::max());
    const auto batches = take_all(*ranges, 0);
    CHECK(batches.size() == 1);
    CHECK(total(batches) == 5 * k_two_to_32);
  }
}

TEST_CASE("task ranges: nothing is handed out after a stop", "[parallel][ranges]") {
  for (const std::size_t batch_size : {0U, 4U}) {
    made_ranges ranges(1000, 2, batch_size);
    task_taker taker(*ranges, 0);
    CHECK_FALSE(taker.next().empty());
    CHECK_FALSE(ranges->stopped());
    ranges->stop();
    CHECK(ranges->stopped());
    CHECK(taker.next().empty());
    CHECK(take_all(*ranges, 1).empty());
  }
}

TEST_CASE("task ranges: processes share them", "[parallel][ranges][fork]") {
  constexpr std::size_t k_count = 5000;
  constexpr unsigned k_children = 3;
  const std::size_t bytes = task_ranges::bytes_needed(k_children + 1) + k_count * sizeof(std::atomic<int>);
  void* const room = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(room != MAP_FAILED);
  auto& ranges = task_ranges::make(room, k_count, k_children + 1, 0);  // one never comes
  auto* const runs = reinterpret_cast<std::atomic<int>*>(static_cast<std::byte*>(room) +
                                                         task_ranges::bytes_needed(k_children + 1));
  for (std::size_t i = 0; i < k_count; ++i) ::new (runs + i) std::atomic<int>(0);
  for (unsigned worker = 0; worker < k_children; ++worker) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child != 0) continue;
    task_taker taker(ranges, worker);
    for (auto batch = taker.next(); !batch.empty(); batch = taker.next()) {
      for (std::size_t i = batch.begin; i != batch.end; ++i) ++runs[i];
    }
    ::_exit(0);
  }
  for (unsigned worker = 0; worker < k_children; ++worker) ::wait(nullptr);
  bool once = true;
  for (std::size_t i = 0; i < k_count; ++i) once = once && runs[i] == 1;
  CHECK(once);
  ::munmap(room, bytes);
}
