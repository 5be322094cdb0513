// Every call that docs/parallel.md shows, in its order and its words, with what it leaves out.

#include <larder/larder.hpp>

#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <istream>
#include <iterator>
#include <numeric>
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

struct scale {
  double by = 1;
  double operator()(double x) const { return x * by; }
  LARDER_FIELDS(by)
};

void in_worker_processes() {
  const std::vector<double> numbers = {1, 4, 9, 16};
  double half = 0.5;

  larder::parallel workers({.n_jobs = 2, .backend = larder::backend::processes});
  auto halves = workers.map(
      numbers, [](double x, double by) { return x * by; }, half);  // not captured
  auto thirds = workers.map(numbers, scale{1.0 / 3});              // captured, in a way
  auto roots = workers.map(numbers, LARDER_FN(std::sqrt));

  auto area = larder::ship([](double w, double h) { return w * h; });
  std::printf("%g %.3f %g %g\n", halves[3], thirds[0], roots[3], workers.submit(area, 2.0, 3.0).get());
}

std::size_t bin(double x) { return static_cast<std::size_t>(x); }

void in_place() {
  const std::vector<double> values = {0.5, 2.5, 1.5, 2.7, 2.1};
  larder::parallel workers({.n_jobs = 2, .backend = larder::backend::processes});

  auto counts = larder::array<int>::shared({3});
  const auto count = [](double x, const larder::array<int>& bins) {
    larder::atomic(bins(bin(x))).fetch_add(1);  // other workers may be at the same element
  };
  workers.map(values, count, counts);
  std::printf("%d %d %d\n", counts(0), counts(1), counts(2));
}

double row_sum(int row, const larder::array<const double>& table) {
  const auto values = table.sub(static_cast<std::size_t>(row)).flat();
  return std::accumulate(values.begin(), values.end(), 0.0);
}
double corner(const larder::array<const double>& table) { return table(0, 0); }

void objects_of_a_store() {
  larder::array<double> table({3, 100'000});
  table.fill(0.5);
  larder::parallel workers({.n_jobs = 2, .backend = larder::backend::processes});

  larder::store st("example-parallel", {.lifetime = larder::lifetime::last_user});
  larder::object_ref ref = st.put("table", table);

  // double row_sum(int row, const larder::array<const double>& table)
  auto sums = workers.map(std::views::iota(0, 3), row_sum, ref);  // one object for all tasks

  std::vector refs = {ref, st.put(table.transpose())};
  auto corners = workers.map(refs, corner);  // each task maps its own
  std::printf("%g %g\n", sums[2], corners[1]);
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

  larder::parallel workers({.n_jobs = 2, .backend = larder::backend::processes});
  try {
    workers.map(std::views::iota(0, 10), [](int i) {
      if (i == 7) std::_Exit(3);  // or a crash, or more memory than there is
    });
  } catch (const larder::worker_died& died) {
    std::printf("task %zu, status %d\n", died.task(), died.status());
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

int main(int argc, char** argv) {
  larder::init(argc, argv);  // workers of the backend processes begin here
  std::istringstream input("a line here");
  map_over_ranges(input);
  results_as_they_come();
  calls_of_their_own();
  sums();
  in_other_processes();
  in_worker_processes();
  in_place();
  objects_of_a_store();
  scopes();
  failures();
  progress();
  nested();
  int cpus = larder::cpu_count();
  int cores = larder::cpu_count(larder::cpu_kind::physical);
  std::printf("%s\n", 1 <= cores && cores <= cpus ? "ok" : "odd");
}
