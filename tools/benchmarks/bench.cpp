#include "tools/benchmarks/bench.hpp"

#include <sched.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "tools/benchmarks/floor.hpp"

namespace larder_bench {

bench::~bench() {
  for (const std::string& path : files_) ::unlink(path.c_str());
}

std::size_t bench::scaled(std::size_t n) const noexcept {
  constexpr std::size_t k_whole = 800'000'000;
  const std::size_t parts = std::max<std::size_t>(k_whole / settings_.large_bytes, 1);
  return std::max(n / parts, std::min<std::size_t>(n, 100));
}

const larder::array<double>& bench::large() {
  if (large_.size() == 0) {
    large_ = larder::array<double>::uninitialized({settings_.large_bytes / sizeof(double)});
    double* const data = large_.data();
    for (std::size_t i = 0; i < large_.size(); ++i) data[i] = static_cast<double>(i) * 1.0001;
  }
  return large_;
}

std::string bench::file(const std::string& directory, const std::string& name) {
  files_.push_back(directory + "/larder_bench-" + name);
  return files_.back();
}

std::vector<std::pair<std::string, std::string>> bench::places() const {
  std::vector<std::pair<std::string, std::string>> all = {{"disk", settings_.disk}};
  if (!settings_.tmpfs.empty()) all.emplace_back("tmpfs", settings_.tmpfs);
  return all;
}

larder::array<double> filled(std::size_t count) {
  auto a = larder::array<double>::uninitialized({count});
  a.fill(1.5);
  return a;
}

double now() noexcept {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

double once(const std::function<void()>& body) {
  const double start = now();
  body();
  return now() - start;
}

double per_call(const std::function<void()>& body) {
  constexpr double k_enough = 0.02;
  std::size_t calls = 0;
  const double start = now();
  double elapsed = 0;
  do {
    body();
    ++calls;
    elapsed = now() - start;
  } while (elapsed < k_enough);
  return elapsed / static_cast<double>(calls);
}

namespace {
volatile std::uint64_t sink_of_integers;
volatile double sink_of_reals;
}  // namespace

void keep(std::uint64_t value) noexcept { sink_of_integers = value; }
void keep(double value) noexcept { sink_of_reals = value; }

struct one_cpu::mask {
  cpu_set_t set;
};

one_cpu::one_cpu() : before_(std::make_unique<mask>()) {
  ::sched_getaffinity(0, sizeof before_->set, &before_->set);
  cpu_set_t here;
  CPU_ZERO(&here);
  CPU_SET(static_cast<unsigned>(::sched_getcpu()), &here);
  ::sched_setaffinity(0, sizeof here, &here);
}

one_cpu::~one_cpu() { ::sched_setaffinity(0, sizeof before_->set, &before_->set); }

/// Takes as much memory as a large array and its file, and gives it back: see TAKE_MEMORY in rows.py.
void add_warming(bench& b) {
  b.add("warm/memory", [bytes = b.set().large_bytes / 4 * 5] {
    return once([&] {
      const auto a = larder::array<std::uint8_t>::uninitialized({bytes});
      for (std::size_t i = 0; i < bytes; i += 4096) a.data()[i] = 1;
    });
  });
}

/// How much more two threads get done at once than one alone: 2 where each has a processor to itself, 1 where two virtual ones take turns on a
/// real one, and in between where they, or those of others, are hardware threads of one core.
double worth_of_two_threads() {
  constexpr int k_times = 20'000;
  const std::vector<std::byte> block(16 << 10, std::byte{1});  // in the first-level cache
  std::array<std::uint64_t, 2> sums{};
  const auto work = [&](int thread) {
    std::uint64_t own = 0;  // the two of `sums` share a line of the caches
    for (int i = 0; i < k_times; ++i) own += floor::sum(block);
    sums[static_cast<std::size_t>(thread)] = own;
  };
  const double one = once([&] { work(0); });
  const double both = once([&] { floor::on_two_threads(work); });
  keep(sums[0] + sums[1]);
  return 2 * one / both;
}

/// The machine's own speed at this moment, which tells a quiet run from a disturbed one, and what its processors are worth together.
void add_control(bench& b) {
  b.add("control/processors", worth_of_two_threads);
  constexpr std::size_t k_bytes = std::size_t{256} << 20;
  b.add("control/floor",
        [from = larder::array<std::uint8_t>(), to = larder::array<std::uint8_t>()]() mutable {
          if (from.size() == 0) {
            from = larder::array<std::uint8_t>::uninitialized({k_bytes});
            to = larder::array<std::uint8_t>::uninitialized({k_bytes});
            from.fill(1);
            to.fill(2);
          }
          return once([&] {
            std::memcpy(to.data(), from.data(), k_bytes);
            keep(std::uint64_t{to.data()[k_bytes / 2]});
          });
        });
}

}  // namespace larder_bench
