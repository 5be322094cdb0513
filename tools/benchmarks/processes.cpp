// Rows processes-*: calls of workers that are processes, arrays on their way to them and back, and what that costs by hand.

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <numeric>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <vector>

#include <larder/atomic.hpp>
#include <larder/dump.hpp>
#include <larder/load.hpp>
#include <larder/parallel.hpp>

#include "tools/benchmarks/bench.hpp"
#include "tools/benchmarks/parallel_work.hpp"
#include "tools/benchmarks/process_memory.hpp"
#include "tools/benchmarks/processes_by_hand.hpp"

namespace larder_bench {
namespace {

constexpr std::size_t k_count = 10'000'000;  // doubles: 80 MB
constexpr std::size_t k_bytes = k_count * sizeof(double);
constexpr auto k_nothing = [](int) { asm volatile(""); };
constexpr auto k_size = [](int, const larder::array<const double>& a) { return a.size(); };

larder::parallel processes(larder::parallel_options options = {}) {
  options.n_jobs = k_parallel_workers;
  options.backend = larder::backend::processes;
  return larder::parallel(std::move(options));
}

/// 80 MB, mapped.
larder::array<const double> mapped_file(const std::string& path) {
  if (::access(path.c_str(), F_OK) != 0) larder::dump(filled(k_count), path);
  return larder::load<larder::array<const double>>(path);
}

larder::array<double> shared_and_filled() {
  auto a = larder::array<double>::shared({k_count});
  a.fill(1.5);
  return a;
}

void read_all(const larder::array<const double>& a) {
  const auto elements = a.flat();
  keep(std::reduce(elements.begin(), elements.end()));
}

/// Of two tasks that have read all of their array and still have it, the second one looks at the memory of all processes.
double read_and_look(const larder::array<const double>& a, const process_ids& ids,
                     const larder::array<int>& met) {
  read_all(a);
  const auto steps = larder::atomic(met(0));
  if (steps.fetch_add(1) == 0) {
    const double end = now() + 30;
    while (steps.load() < 3) {
      if (now() > end) throw std::runtime_error("the other task did not run at the same time");
      ::sched_yield();
    }
    return 0;
  }
  const double seen = proportional_bytes(ids);
  steps.fetch_add(1);
  return seen;
}

double look(const larder::parallel& one_by_one, const larder::array<const double>& a,
            const process_ids& ids) {
  const auto task = [](int, const larder::array<const double>& whole, const process_ids& all,
                       const larder::array<int>& met) { return read_and_look(whole, all, met); };
  return std::ranges::max(
      one_by_one.map(std::views::iota(0, 2), task, a, ids, larder::array<int>::shared({1})));
}

double look_at_elements(const larder::parallel& one_by_one, const std::vector<larder::array<double>>& arrays,
                        const process_ids& ids) {
  const auto task = [](const larder::array<double>& a, const process_ids& all,
                       const larder::array<int>& met) { return read_and_look(a, all, met); };
  return std::ranges::max(one_by_one.map(arrays, task, ids, larder::array<int>::shared({1})));
}

/// Rows processes-ROW-memory and -peak: PSS as `pass` returns it, and peaks of RSS, both beyond what there was before.
template <class Pass>
void add_memory(bench& b, const std::string& row, const std::shared_ptr<larder::parallel>& one_by_one,
                Pass pass) {
  const auto processes = [one_by_one] {
    one_by_one->map(std::views::iota(0, 2), k_nothing);
    process_ids all = this_and_children();
    look(*one_by_one, filled(200'000), all);  // what is loaded for that is loaded,
    look(*one_by_one, filled(1), all);        // and nobody keeps that array
    return all;
  };
  b.add("processes-" + row + "-memory/larder", [one_by_one, pass, processes] {
    const process_ids all = processes();
    const double before = proportional_bytes(all);
    return pass(*one_by_one, all) - before;
  });
  b.add("processes-" + row + "-peak/larder", [one_by_one, pass, processes] {
    const process_ids all = processes();
    reset_peaks(all);
    const double before = resident_bytes(all);
    pass(*one_by_one, all);
    return peak_resident_bytes(all) - before;
  });
}

void add_memory_rows(bench& b, const std::shared_ptr<larder::parallel>& one_by_one, const std::string& path) {
  using larder::parallel;
  add_memory(b, "heap", one_by_one,
             [](const parallel& p, const process_ids& all) { return look(p, filled(k_count), all); });
  add_memory(b, "shared", one_by_one,
             [](const parallel& p, const process_ids& all) { return look(p, shared_and_filled(), all); });
  add_memory(b, "file", one_by_one,
             [path](const parallel& p, const process_ids& all) { return look(p, mapped_file(path), all); });
  add_memory(b, "result", one_by_one, [](const parallel& p, const process_ids& all) {
    const auto results = p.map(std::views::iota(0, 1), [](int) { return shared_and_filled(); });
    read_all(results[0]);
    return look(p, filled(1), all);
  });
  add_memory(b, "len", one_by_one, [](const parallel& p, const process_ids& all) {
    const std::vector<larder::array<double>> arrays(2, filled(k_count));
    look_at_elements(p, arrays, all);
    return look_at_elements(p, arrays, all);
  });
  b.add("processes-array/floor", [] { return static_cast<double>(k_bytes); });
}

/// Seconds of handing each of these arrays to both workers for the first time, in the median.
template <class Make, class Pass>
double first_passes(Make make, Pass pass) {
  std::vector<decltype(make())> arrays;
  for (int i = 0; i < 6; ++i) arrays.push_back(make());
  std::vector<double> seconds;
  for (const auto& each : arrays) seconds.push_back(once([&] { pass(each); }));
  seconds.erase(seconds.begin());  // it has found nothing in the processors' caches
  std::nth_element(seconds.begin(), seconds.begin() + 2, seconds.end());
  return seconds[2];
}

/// Rows processes-ROW and -ROW-cold: an array to both workers, the first call with it; after others, and right after 80 MB were filled.
template <class Make>
void add_first_passes(bench& b, const std::shared_ptr<larder::parallel>& pool, const std::string& row,
                      Make make) {
  const auto pass = [pool](const larder::array<const double>& a) {
    pool->map(std::views::iota(0, 2), k_size, a);
  };
  b.add("processes-" + row + "/larder", [make, pass] { return first_passes(make, pass); });
  b.add("processes-" + row + "-cold/larder", [make, pass, pool] {
    const auto a = make();
    by_hand::filled_memory evicting(k_bytes);
    pool->map(std::views::iota(0, 2), k_nothing);
    return once([&] { pass(a); });
  });
}

void add_first_passes_by_hand(bench& b) {
  using namespace by_hand;
  const auto make = [] { return std::make_unique<filled_memory>(k_bytes); };
  b.add("processes-shared/floor", [make] {
    children both(waiting::looking);
    both.call();
    return first_passes(make, [&](const auto& memory) { both.map(memory->fd(), k_bytes); });
  });
  b.add("processes-shared-cold/floor", [make] {
    children both(waiting::looking);
    const auto memory = make();
    both.call();
    return once([&] { both.map(memory->fd(), k_bytes); });
  });
}

}  // namespace

void add_processes(bench& b) {
  const auto pool = std::make_shared<larder::parallel>(processes());
  const auto single = std::make_shared<larder::parallel>(processes({.batch_size = 1}));

  const auto per_task = [](const std::shared_ptr<larder::parallel>& p, int count) {
    return [p, count] {
      settle();
      p->map(std::views::iota(0, count), k_nothing);
      return once([&] { p->map(std::views::iota(0, count), k_nothing); }) / count;
    };
  };
  b.add("processes-tasks/larder", per_task(pool, 1'000'000));
  b.add("processes-single/larder", per_task(single, 20'000));

  b.add("processes-start/larder", [threads = 1]() mutable {
    // Workers of this kind there are none of yet; those of the last time leave at once.
    const auto fresh = processes({.inner_threads = ++threads, .idle_timeout = std::chrono::seconds(0)});
    return once([&] { fresh.map(std::views::iota(0, 2), k_nothing); });
  });

  b.add("processes-call/larder", [pool] {
    settle();
    pool->map(std::views::iota(0, 2), k_nothing);
    return per_call([&] { pool->map(std::views::iota(0, 2), k_nothing); });
  });
  b.add("processes-call-idle/larder", [pool] {
    settle();
    return after_idle([&] { pool->map(std::views::iota(0, 2), k_nothing); });
  });
  b.add("processes-call-idle/floor", [] {
    by_hand::children children(by_hand::waiting::asleep);
    settle();
    return after_idle([&] { children.call(); });
  });

  b.add("processes-heap/floor", [] { return by_hand::write_to_memfd(filled(k_count)); });
  b.add("processes-heap/larder", [pool] {
    const auto a = filled(k_count);
    pool->map(std::views::iota(0, 2), k_nothing);
    return once([&] { pool->map(std::views::iota(0, 2), k_size, larder::array<const double>(a)); });
  });
  b.add("processes-heap-later/larder", [pool, a = larder::array<const double>()]() mutable {
    if (a.size() == 0) a = filled(k_count);
    pool->map(std::views::iota(0, 2), k_size, a);
    return per_call([&] { pool->map(std::views::iota(0, 2), k_size, a); });
  });
  add_first_passes(b, pool, "shared", shared_and_filled);
  const std::string path = b.file(b.set().disk, "processes.npy");
  add_first_passes_by_hand(b);
  add_first_passes(b, pool, "file", [path] { return mapped_file(path); });
  // One task, which says itself how long it was at making and filling the array.
  b.add("processes-result/larder", [pool] {
    pool->map(std::views::iota(0, 2), k_nothing);
    const double begun = now();
    const auto results = pool->map(std::views::iota(0, 1), [](int) {
      const double before = now();
      auto a = larder::array<double>::shared({k_count});
      a.fill(1.5);
      a(0) = now() - before;
      return a;
    });
    return now() - begun - results[0](0);
  });
  b.add("processes-result/floor", [] { return by_hand::return_memory(k_bytes); });

  // "How to pass a large array to the workers of a pool": an array as the one element of a range, and its length.
  b.add("processes-len/larder", [pool, arrays = std::vector<larder::array<double>>()]() mutable {
    if (arrays.empty()) arrays.push_back(filled(k_count));
    const auto len = [](const larder::array<double>& a) { return a.size(); };
    pool->map(arrays, len);
    return once([&] { pool->map(arrays, len); });
  });

  // Of this process and its workers, and what the array and the call add to it.
  b.add("processes-memory/larder", [pool, &b] {
    pool->map(std::views::iota(0, 2), k_nothing);
    const process_ids all = this_and_children();
    const double before = proportional_bytes(all);          // what other rows have left
    const std::size_t bytes = b.set().large_bytes / 4 * 5;  // 1 GB
    auto a = larder::array<double>::shared({bytes / sizeof(double)});
    a.fill(1.5);
    const auto sums = pool->map(
        std::views::iota(std::size_t{0}, std::size_t{1000}),
        [](std::size_t i, const larder::array<const double>& whole) {
          const std::size_t step = whole.size() / 1000;
          double sum = 0;
          for (const double each : whole.slice(0, i * step, (i + 1) * step).flat()) sum += each;
          return sum;
        },
        larder::array<const double>(a));
    keep(sums[0]);
    return proportional_bytes(all) - before;
  });
  b.add("processes-memory/floor", [&b] { return static_cast<double>(b.set().large_bytes / 4 * 5); });
  add_memory_rows(b, single, path);
}

}  // namespace larder_bench
