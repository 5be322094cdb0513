// Rows parallel-*: loops of many tasks, calls of few, and what the threads, or the children, cost by hand.

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <ranges>
#include <system_error>
#include <thread>

#include <larder/parallel.hpp>

#include "src/futex.hpp"
#include "src/spin.hpp"
#include "tools/benchmarks/bench.hpp"
#include "tools/benchmarks/parallel_work.hpp"

namespace larder_bench {
namespace {

// A thread that sleeps until it is woken, and answers.
class sleeper {
 public:
  sleeper()
      : thread_([this] {
          for (std::uint32_t seen = 0; seen != k_end; answer_.store(seen)) {
            while (word_.load() == seen) larder::detail::futex_wait(word_, seen);
            seen = word_.load();
          }
        }) {}
  ~sleeper() {
    word_.store(k_end);
    larder::detail::futex_wake(word_, 1);
    thread_.join();
  }
  sleeper(const sleeper&) = delete;
  sleeper& operator=(const sleeper&) = delete;

  void wake_and_wait() {
    const std::uint32_t asked = word_.fetch_add(1) + 1;
    larder::detail::futex_wake(word_, 1);
    while (answer_.load() != asked) larder::detail::pause_briefly();
  }

 private:
  static constexpr std::uint32_t k_end = ~0U;
  std::atomic<std::uint32_t> word_ = 0;
  std::atomic<std::uint32_t> answer_ = 0;
  std::thread thread_;
};

void fork_and_wait() {
  for (unsigned i = 0; i < k_parallel_workers; ++i) {
    const pid_t child = ::fork();
    if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
    if (child == 0) ::_exit(0);
  }
  for (unsigned i = 0; i < k_parallel_workers; ++i) ::wait(nullptr);
}

}  // namespace

void add_parallel(bench& b) {
  const auto threads = std::make_shared<larder::parallel>(
      larder::parallel_options{.n_jobs = k_parallel_workers, .backend = larder::backend::threads});
  add_loops(b, "larder", [threads](std::size_t count, auto f) {
    threads->map(std::views::iota(std::size_t{0}, count), f);
  });
  add_parallel_peers(b);

  for (const int microseconds : {1, 10, 100}) {
    b.add("parallel-" + std::to_string(microseconds) + "us/floor", [microseconds] {
      const std::chrono::microseconds time(microseconds);
      return once([&] {
               for (int i = 0; i < 20'000 / microseconds; ++i) busy_for(time);
             }) /
             k_parallel_workers;
    });
  }
  for (const char* order : k_varied_orders) {
    b.add("parallel-varied-" + std::string(order) + "/floor",
          [order] { return varied_costs(order).best_seconds(); });
  }
  b.add("parallel-call-idle/floor", [] {
    sleeper other;
    settle();
    return after_idle([&] { other.wake_and_wait(); });
  });

  const auto children = std::make_shared<larder::parallel>(larder::parallel_options{
      .n_jobs = k_parallel_workers, .backend = larder::backend::fork, .allow_threads = true});
  b.add("parallel-fork/larder", [children] {
    settle();
    return per_call([&] { children->map(std::views::iota(0, 2), [](int) { asm volatile(""); }); });
  });
  b.add("parallel-fork/floor", [] {
    settle();
    return per_call(fork_and_wait);
  });
}

}  // namespace larder_bench
