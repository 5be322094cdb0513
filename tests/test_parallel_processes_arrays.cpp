#include <larder/parallel.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <fstream>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <larder/array.hpp>
#include <larder/atomic.hpp>
#include <larder/dump.hpp>
#include <larder/error.hpp>
#include <larder/fields.hpp>
#include <larder/load.hpp>

#include "tests/catch.hpp"
#include "tests/child_process.hpp"
#include "tests/process_pool.hpp"
#include "tests/processes.hpp"
#include "tests/sanitizers.hpp"
#include "tests/scratch_dir.hpp"

using larder::array;
using larder::mmap_mode;

namespace {

constexpr std::size_t k_count = 300'000;  // 2.4 MB of doubles: over the default max_nbytes

array<double> counted(std::size_t count = k_count) {
  array<double> a({count});
  std::iota(a.data(), a.data() + count, 0.0);
  return a;
}

struct measured {
  std::string name;
  array<double> values;
  std::map<int, array<const double>> more;
  LARDER_FIELDS(name, values, more)
};

/// How many mappings of memory without a name of its own, or of deleted files, this process has.
std::size_t mappings_of_arrays() {
  std::ifstream maps("/proc/self/maps");
  std::size_t count = 0;
  for (std::string line; std::getline(maps, line);)
    count += line.find("larder array") != std::string::npos ? std::size_t{1} : 0;
  return count;
}

double sum_of(int, const array<const double>& a) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a(i);
  return sum;
}

}  // namespace

TEST_CASE("processes: arrays arrive as they are, also views, within objects, and as elements",
          "[parallel][processes]") {
  const auto pool = process_pool();
  const auto a = counted();
  CHECK(pool.map(numbers(3), sum_of, array<const double>(a)) == std::vector<double>(3, sum_of(0, a)));

  const auto grid = a.reshape({600, 500});
  const std::vector<array<double>> views = {grid.slice(0, 100, 500), grid.slice(1, 10, 490, 3),
                                            grid.transpose(), grid.transpose().slice(0, 5, 500), grid.sub(3)};
  const auto told = pool.map(views, [](const array<double>& v) {
    double sum = 0;
    const auto copy = v.copy();
    for (const double each : copy.flat()) sum += each;
    return std::tuple(std::vector<std::size_t>(v.shape().begin(), v.shape().end()),
                      std::vector<std::ptrdiff_t>(v.strides().begin(), v.strides().end()), sum);
  });
  for (std::size_t i = 0; i < views.size(); ++i) {
    const auto& [shape, strides, sum] = told[i];
    CHECK(std::ranges::equal(shape, views[i].shape()));
    const auto copy = views[i].copy();
    CHECK(sum == std::accumulate(copy.data(), copy.data() + copy.size(), 0.0));
    if (views[i].nbytes() > (1U << 20)) CHECK(std::ranges::equal(strides, views[i].strides()));
  }

  const std::vector<measured> objects = {{"a", a, {{1, a}, {2, counted(5)}}}, {"b", counted(3), {}}};
  const auto back = pool.map(objects, [](const measured& m) {
    return measured{m.name + "!", m.values, {{7, m.values.copy()}}};
  });
  CHECK(back[0].name == "a!");
  CHECK(back[0].values(k_count - 1) == static_cast<double>(k_count - 1));
  CHECK(back[0].more.at(7)(17) == 17);
  CHECK(back[0].more.at(7).is_mapped());
  CHECK(!back[1].values.is_mapped());
}

TEST_CASE("processes: the same array in a thousand tasks is moved once, and mapped once in each worker",
          "[parallel][processes]") {
  const auto pool = process_pool({.batch_size = 1});
  const auto a = counted();
  const double* const before = a.data();
  std::vector<array<double>> elements(1000, a);
  const auto counts = pool.map(elements, [](const array<const double>&) { return mappings_of_arrays(); });
  CHECK(*std::ranges::max_element(counts) <= 4);  // and what other tests have left
  CHECK(a.data() == before);
  CHECK(a(k_count - 1) == static_cast<double>(k_count - 1));
}

TEST_CASE("processes: with read_write workers write to the parent's own array", "[parallel][processes]") {
  const auto a = counted();
  process_pool({.mmap_mode = mmap_mode::read_write})
      .map(
          numbers(100), [](int i, const array<double>& shared) { shared(static_cast<std::size_t>(i)) = -i; },
          a);
  for (std::size_t i = 0; i < 100; ++i) REQUIRE(a(i) == -static_cast<double>(i));
  CHECK(a(100) == 100);
  CHECK_THROWS_AS(process_pool({.mmap_mode = mmap_mode::read_write})
                      .map(
                          numbers(2), [](int, const array<double>& shared) { shared(0) = 1; },
                          array<double>::borrow({a.data(), a.size()}, {a.size()})),
                  larder::value_error);
}

TEST_CASE("processes: what workers write otherwise is their own", "[parallel][processes]") {
  for (const auto mode : {mmap_mode::read, mmap_mode::copy_on_write, mmap_mode::none}) {
    const auto a = counted();
    const std::vector<array<double>> elements(20, a);
    const auto seen = process_pool({.mmap_mode = mode}).map(elements, [](const array<double>& mine) {
      const double first = mine(7);
      mine(7) = -1;
      return first;
    });
    CHECK(seen == std::vector<double>(20, 7));
    CHECK(a(7) == 7);
  }
}

TEST_CASE("processes: one histogram is filled by all workers", "[parallel][processes]") {
  const auto histogram = array<std::int64_t>::shared({16});
  process_pool().map(
      numbers(20000),
      [](int i, const array<std::int64_t>& bins) {
        ++larder::atomic(bins(static_cast<std::size_t>(i % 16)));
      },
      histogram);
  for (std::size_t i = 0; i < 16; ++i) CHECK(histogram(i) == 1250);
}

TEST_CASE("processes: large results are mappings that outlive the pool and its workers",
          "[parallel][processes]") {
  std::vector<array<double>> shared;
  std::vector<array<const double>> read;
  {
    const auto pool = process_pool({.idle_timeout = std::chrono::seconds(0)});
    shared = pool.map(numbers(4), [](int i) {
      auto a = array<double>::shared({k_count});
      a.fill(i);
      return a;
    });
    read = pool.map(numbers(4), [](int i) {
      array<double> a({k_count});
      a.fill(i);
      return array<const double>(a);
    });
    for (const pid_t each : processes_of(pool)) ::kill(each, SIGKILL);
  }
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(shared[i].is_mapped());
    CHECK(read[i].is_mapped());
    CHECK(shared[i](k_count - 1) == static_cast<double>(i));
    CHECK(read[i](k_count - 1) == static_cast<double>(i));
    shared[i](0) = 5;
  }
  // And go on to others without being copied.
  const auto sums = process_pool().map(shared, [](const array<const double>& a) { return a(0) + a(1); });
  CHECK(sums[3] == 8);
  const auto [none, stats] = process_pool({.max_nbytes = "none"}).map_with_stats(numbers(2), [](int i) {
    array<double> a({k_count});
    a.fill(i);
    return a;
  });
  CHECK(stats.bytes_mapped == 0);
  CHECK(stats.bytes_copied >= 2 * k_count * sizeof(double));
  CHECK(!none[0].is_mapped());
}

TEST_CASE("processes: an array is read rightly by other threads while it is moved", "[parallel][processes]") {
  const auto pool = process_pool();
  for (int repeat = 0; repeat < 10; ++repeat) {
    const auto a = counted();
    std::atomic<bool> ends = false;
    std::atomic<bool> wrong = false;
    std::thread reader([&] {
      while (!ends) {
        for (std::size_t i = 0; i < k_count; i += 100) wrong = wrong || a(i) != static_cast<double>(i);
      }
    });
    pool.map(numbers(2), sum_of, array<const double>(a));
    ends = true;
    reader.join();
    REQUIRE(!wrong);
  }
}

TEST_CASE("processes: thousands of arrays use up neither descriptors nor memory", "[parallel][processes]") {
  const auto pool = process_pool({.batch_size = 50, .max_nbytes = 100'000});
  const auto before = open_descriptors();
  {
    std::vector<array<double>> many;
    for (int i = 0; i < 3000; ++i) {
      many.emplace_back(larder::extents{20'000});
      many.back().fill(i);
    }
    const auto firsts = pool.map(many, [](const array<const double>& a) { return a(19'999); });
    for (std::size_t i = 0; i < many.size(); ++i) REQUIRE(firsts[i] == static_cast<double>(i));
    CHECK(open_descriptors() < before + 300);
  }
  const auto after = processes_of(pool);
  for (const pid_t each : after) CHECK(open_descriptors(each) < 300);
  CHECK(open_descriptors() < before + 20);
}

TEST_CASE("processes: memory of arrays that are gone here is let go by idle workers",
          "[parallel][processes]") {
  const auto pool = process_pool({.batch_size = 1});
  const auto bytes_mapped_by_workers = [&] {
    std::size_t kibibytes = 0;
    for (const pid_t each : processes_of(pool)) {
      std::ifstream maps("/proc/" + std::to_string(each) + "/maps");
      for (std::string line; std::getline(maps, line);)
        kibibytes += line.find("larder array") != std::string::npos ? std::size_t{1} : 0;
    }
    return kibibytes;
  };
  const std::size_t before = bytes_mapped_by_workers();
  for (int i = 0; i < 20; ++i) {
    const auto a = counted();
    pool.map(numbers(8), sum_of, array<const double>(a));
  }
  CHECK(bytes_mapped_by_workers() <= before + 2);
}

TEST_CASE("processes: the Stack Overflow example: 10^7 numbers through a pool, and their count",
          "[parallel][processes]") {
  const std::vector<array<double>> one = {counted(10'000'000)};
  const auto pool = process_pool();
  const auto len = [](const array<double>& a) { return a.size(); };
  CHECK(pool.map(one, len) == std::vector<std::size_t>{10'000'000});
  CHECK(pool.map(one, len) == std::vector<std::size_t>{10'000'000});
}

#if !LARDER_TEST_ADDRESS_SANITIZER && \
    !LARDER_TEST_THREAD_SANITIZER  // their workers have no room in such processes
TEST_CASE("processes: works where /dev/shm is small or is not there", "[parallel][processes]") {
  if (::geteuid() != 0) {
    SUCCEED("needs a mount namespace of its own");
    return;
  }
  for (const bool there : {true, false}) {
    child_process program([&] {
      if (::unshare(CLONE_NEWNS) != 0) return 77;
      if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return 77;
      if (::mount("none", "/dev/shm", "tmpfs", there ? 0 : MS_RDONLY, there ? "size=8m" : "size=4k") != 0)
        return 77;
      const auto a = counted(4'000'000);
      const auto pool = process_pool();
      const auto sums = pool.map(numbers(4), sum_of, array<const double>(a));
      const auto back = pool.map(numbers(2), [](int i) {
        auto large = array<double>::shared({4'000'000});
        large.fill(i);
        return large;
      });
      return sums[3] == sum_of(0, a) && back[1](7) == 1 ? 0 : 1;
    });
    const int status = program.wait();
    if (status == 77) {
      SUCCEED("this process may not mount");
    } else {
      CHECK(status == 0);
    }
  }
}

TEST_CASE("processes: no memory for an array is an error, and everything stays as it was",
          "[parallel][processes]") {
  child_process program([] {
    const auto pool = process_pool();
    const auto a = counted(2'000'000);
    pool.map(numbers(2), [](int i) { return i; });
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{8'000'000, 8'000'000};  // of files, and what memory without a name is counts as one
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const auto e = caught<larder::io_error>([&] { pool.map(numbers(2), sum_of, array<const double>(a)); });
    if (!e) return 1;
    if (a(1'999'999) != 1'999'999) return 2;
    return pool.map(numbers(2), [](int i) { return i; }) == std::vector{0, 1} ? 0 : 3;
  });
  CHECK(program.wait() == 0);
}
#endif
