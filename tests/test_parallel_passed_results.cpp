// Arrays on their way back from children of fork, and passed on from there.

#include <cstddef>
#include <filesystem>
#include <utility>
#include <vector>

#include <larder/array.hpp>
#include <larder/dump.hpp>
#include <larder/load.hpp>

#include "tests/catch.hpp"
#include "tests/fork_pool.hpp"
#include "tests/processes.hpp"
#include "tests/scratch_dir.hpp"
#include "tests/worker_line.hpp"

using larder::array;
using larder::mmap_mode;

TEST_CASE("passing: fork returns array::shared without a copy", "[parallel][passing]") {
  auto pool = fork_pool({.max_nbytes = 1000});
  const auto [made, stats] = pool.map_with_stats(numbers(20), [](int i) {
    const auto a = array<int>::shared({100, 1000});
    a.fill(i);
    return std::pair(a, array<const int>(a.slice(1, 10, 900).transpose()));
  });
  CHECK(stats.bytes_mapped == 20 * (100'000 + 89'000) * sizeof(int));
  for (int i = 0; i < 20; ++i) {
    const auto& [a, view] = made[static_cast<std::size_t>(i)];
    CHECK(view.shape(0) == 890);
    CHECK(view(889, 99) == i);
    a(99, 899) = -1;  // the memory of both
    CHECK(view(889, 99) == -1);
  }
}

TEST_CASE("passing: results outlive their pool, and can be passed on", "[parallel][passing]") {
  std::vector<array<int>> made;
  {
    auto pool = fork_pool({.max_nbytes = 1000});
    made = pool.map(numbers(2), [](int i) {
      auto a = array<int>::shared({100'000});
      a.fill(i + 5);
      return a;
    });
  }
  worker_line line(mmap_mode::read, 1000);
  const auto got = line.pass(made[1]);
  CHECK(line.last_files() == 1);
  got(3) = 8;
  CHECK(made[1](3) == 8);
  CHECK(made[1](4) == 6);
  CHECK(made[0](4) == 5);
}

TEST_CASE("passing: results that came as mappings are moved when they are passed on", "[parallel][passing]") {
  auto pool = fork_pool({.max_nbytes = 1000});
  const auto task = [](int i) { return filled(100'000, i + 1.0); };
  const auto writable = pool.map(numbers(2), task);
  const std::vector<array<const double>> read =
      pool.map(numbers(2), [&](int i) { return array<const double>(task(i)); });
  worker_line line(mmap_mode::read_write, 1000);
  const auto mine = line.pass(writable[1]);
  CHECK(line.last_files() == 1);
  mine(7) = -1;
  CHECK(writable[1](7) == -1);
  CHECK(writable[1](99'999) == 2);
  CHECK(writable[0](7) == 1);
  const auto theirs = line.pass_as<array<double>>(read[1]);
  CHECK(line.last_files() == 1);
  theirs(7) = -1;  // what is read-only here is written to in private there
  CHECK(read[1](7) == 2);
  CHECK(theirs(8) == 2);
}

TEST_CASE("passing: what a child of fork returns of its parent's memory is a copy", "[parallel][passing]") {
  const auto mine = array<int>::shared({100'000});
  mine.fill(1);
  auto pool = fork_pool({.max_nbytes = 1000});
  const auto got = pool.map(numbers(2), [&](int) { return mine; });
  mine.fill(2);
  CHECK(got[0](7) == 1);
}

TEST_CASE("passing: children for single batches return array::shared without a copy", "[parallel][passing]") {
  auto pool = fork_pool({.max_nbytes = 1000});
  auto results = pool.imap(numbers(5), [](int i) {
    auto a = array<int>::shared({100'000});
    a.fill(i);
    return a;
  });
  int next = 0;
  for (const auto& a : results) {
    CHECK(a(99'999) == next++);
    CHECK(a.origin()->mode == mmap_mode::read_write);
  }
  CHECK(next == 5);
}

TEST_CASE("passing: arrays in files that tasks read come back as mappings of these", "[parallel][passing]") {
  const scratch_dir dir;
  larder::dump(ramp({300'000}), dir / "a");
  auto pool = fork_pool({.max_nbytes = 1000});
  const auto here = larder::load<array<const int>>(dir / "a").slice(0, 1, 300'000);
  const auto got = pool.map(numbers(2), [&](int i) {
    return larder::load<array<const int>>(dir / "a").slice(0, static_cast<std::size_t>(i), 300'000);
  });
  std::filesystem::remove(dir / "a");
  REQUIRE(got[1].is_mapped());
  CHECK(got[1].origin()->offset == here.origin()->offset);
  CHECK(same(got[1], here));
}

TEST_CASE("passing: more results in shared memory than can be under way at once", "[parallel][passing]") {
  auto pool = fork_pool({.max_nbytes = 1000});
  const std::size_t before = open_descriptors();
  {
    const auto made = pool.map(numbers(3000), [](int i) {
      auto a = array<int>::shared({1000});
      a.fill(i);
      return a;
    });
    for (int i = 0; i < 3000; ++i) REQUIRE(made[static_cast<std::size_t>(i)](999) == i);
    CHECK(open_descriptors() < before + 200);
  }
  CHECK(open_descriptors() <= before + 5);
}
