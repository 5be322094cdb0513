// Every call that docs/parallel.md shows, in its order and its words, with what it leaves out.

#include <larder/larder.hpp>

#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <functional>
#include <istream>
#include <iterator>
#include <ranges>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

double area(double width, double height) { return width * height; }

double checked_root(double x) {
  if (x < 0) throw std::domain_error("the root of " + std::to_string(x));
  return std::sqrt(x);
}

std::size_t length(const std::string& text) { return text.size(); }

void map_over_ranges(std::istream& input) {
  larder::parallel pool({.n_jobs = 2});
  std::vector<double> numbers = {1, 4, 9, 16};

  std::vector<double> roots = pool.map(numbers, LARDER_FN(std::sqrt));
  std::vector<double> halves = pool.map(
      numbers, [](double x, double by) { return x * by; }, 0.5);

  // Any range: this one is read from a stream, line by line, a little ahead of the workers.
  auto lengths = pool.map(std::views::istream<std::string>(input), length);
  std::printf("%g %g %zu\n", roots[3], halves[3], lengths.at(2));
}

void results_as_they_come() {
  larder::parallel pool({.n_jobs = 2});
  const std::vector<std::string> names = {"one", "two", "three"};

  for (std::size_t n : pool.imap(names, length)) std::printf("%zu ", n);  // in order: 3 3 5

  std::size_t total = 0;
  for (std::size_t n : pool.imap_unordered(names, length)) total += n;  // the fast ones first
  std::printf("%zu\n", total);
}

void calls_of_their_own() {
  larder::parallel pool({.n_jobs = 2});

  std::vector tasks = {larder::delayed(area)(2.0, 3.0), larder::delayed(area)(4.0, 5.0)};
  std::vector<double> areas = pool(tasks);

  larder::future<double> later = pool.submit(area, 6.0, 7.0);
  double sum = areas[0] + areas[1] + later.get();
  std::printf("%g\n", sum);
}

void sums() {
  larder::parallel pool({.n_jobs = 2});

  const auto square = [](int x) { return static_cast<double>(x) * x; };
  double sum = pool.map_reduce(std::views::iota(1, 1001), square, 0.0, std::plus<>());
  std::printf("%.0f\n", sum);
}

void in_other_processes() {
  larder::parallel forked({.n_jobs = 2, .backend = larder::backend::fork});
  int calls = 0;
  auto squares = forked.map(std::views::iota(0, 5), [&](int x) { return ++calls, x * x; });
  std::printf("%d, %d calls\n", squares[4], calls);  // 16, 0 calls: each child counted its own
}

void scopes() {
  const larder::parallel_config config({.n_jobs = 2, .batch_size = 10});
  larder::parallel pool;  // two jobs, batches of ten, also where code of others makes it
  std::printf("%d jobs\n", pool.n_jobs());
}

void failures() {
  larder::parallel pool({.n_jobs = 2});
  try {
    pool.map(std::vector<double>{4, -1}, checked_root);
  } catch (const std::domain_error& failed) {
    std::printf("%s\n", failed.what());
  }

  larder::parallel hasty({.n_jobs = 2, .timeout = std::chrono::milliseconds(50)});
  try {
    hasty.map(std::views::iota(0, 1), [](int) {
      while (!larder::stop_requested()) continue;  // long work, a piece at a time
    });
  } catch (const larder::timeout_error& late) {
    std::printf("task %zu took too long\n", late.task());
  }

  larder::future<double> unwanted = pool.submit(area, 8.0, 9.0);
  if (unwanted.cancel()) {
    // It had not begun, and never will: get() throws task_cancelled.
  }
}

void progress() {
  std::size_t last = 0;
  const auto told = [&](std::size_t done, std::size_t total, double eta) {
    if (done == total && eta == 0) last = done;
  };
  larder::parallel pool({.n_jobs = 2, .progress = told});
  auto [results, stats] = pool.map_with_stats(std::views::iota(0, 100), [](int x) { return x; });
  std::printf("%zu done, %zu tasks\n", last, stats.tasks);
}

void nested() {
  larder::parallel outer({.n_jobs = 2, .inner_threads = 2});  // 2 tasks at a time, of 2 threads each
  auto sums = outer.map(std::views::iota(1, 4), [](int n) {
    return larder::parallel().map_reduce(
        std::views::iota(0, n), [](int x) { return x; }, 0, std::plus<>());
  });
  std::printf("%d %d %d\n", sums[0], sums[1], sums[2]);
}

}  // namespace

int main() {
  std::istringstream input("a line here");
  map_over_ranges(input);
  results_as_they_come();
  calls_of_their_own();
  sums();
  in_other_processes();
  scopes();
  failures();
  progress();
  nested();
  int cpus = larder::cpu_count();
  int cores = larder::cpu_count(larder::cpu_kind::physical);
  std::printf("%s\n", 1 <= cores && cores <= cpus ? "ok" : "odd");
}
