#include <larder/parallel.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <list>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <poll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <larder/error.hpp>

#include "tests/catch.hpp"
#include "tests/child_process.hpp"
#include "tests/process_pool.hpp"
#include "tests/processes.hpp"
#include "tests/rising_limit.hpp"
#include "tests/sanitizers.hpp"
#include "tests/scratch_dir.hpp"

using namespace std::chrono_literals;

namespace {

[[maybe_unused]] int deep(volatile int* above) {
  volatile int here[1024];
  here[0] = above[0] + 1;
  return here[0] < 0 ? 0 : deep(here) + here[1];
}

/// Whether it happens within a minute.
template <class Ready>
bool soon(Ready ready) {
  const auto until = std::chrono::steady_clock::now() + 60s;
  while (!ready()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

/// A process that need not be a child of this one; it has to run when this is made.
class watched_process {
 public:
  explicit watched_process(pid_t pid) : fd_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U))) {
    REQUIRE(fd_ >= 0);
  }
  watched_process(const watched_process&) = delete;
  watched_process& operator=(const watched_process&) = delete;
  ~watched_process() { ::close(fd_); }

  /// Whether it has ended, or does before it is taken to hang.
  bool ends() const {
    ::pollfd end{.fd = fd_, .events = POLLIN, .revents = 0};
    return ::poll(&end, 1, static_cast<int>(k_child_seconds) * 1000) == 1;
  }

 private:
  int fd_;
};

}  // namespace

TEST_CASE("processes: a worker that dies is named, with its task and how it ended", "[parallel][processes]") {
  const auto pool = process_pool();
  const auto dies = [](int i, int signal) {
    if (i == 5) die_of(signal);
    return i;
  };
  for (const int signal : {SIGKILL, SIGABRT, SIGSEGV, SIGTERM}) {
    const auto e = caught<larder::worker_died>([&] { pool.map(numbers(10), dies, signal); });
    REQUIRE(e);
    CHECK(e->signal() == signal);
    CHECK(e->task() == 5);
    CHECK(e->worker() < 2);
    CHECK(e->pid() > 0);
    CHECK(!is_alive(static_cast<pid_t>(e->pid())));
    if (signal == SIGKILL) CHECK_THAT(e->what(), Catch::Matchers::ContainsSubstring("memory"));
  }
  const auto exited = caught<larder::worker_died>([&] {
    pool.map(numbers(3), [](int i) {
      if (i == 1) std::_Exit(3);
    });
  });
  REQUIRE(exited);
  CHECK(exited->status() == 3);
  CHECK(exited->task() == 1);
  CHECK(pool.map(numbers(3), [](int i) { return i; }) == std::vector{0, 1, 2});
}

#if !LARDER_TEST_ADDRESS_SANITIZER && !LARDER_TEST_THREAD_SANITIZER
TEST_CASE("processes: overflow of the stack, and memory that there is not, take down their task alone",
          "[parallel][processes]") {
  const auto pool = process_pool();
  const auto overflow = caught<larder::worker_died>([&] {
    pool.map(numbers(4), [](int i) {
      volatile int start[1] = {0};
      return i == 2 ? deep(start) : 0;
    });
  });
  REQUIRE(overflow);
  CHECK(overflow->signal() == SIGSEGV);
  CHECK(overflow->task() == 2);
  CHECK_THROWS_AS(pool.map(numbers(2),
                           [](int) {
                             const rlimit limit{std::size_t{1} << 30, std::size_t{1} << 30};
                             ::setrlimit(RLIMIT_AS, &limit);
                             return std::vector<char>(std::size_t{4} << 30).size();
                           }),
                  std::bad_alloc);
}
#endif

TEST_CASE("processes: tasks whose worker died are run again", "[parallel][processes]") {
  const scratch_dir dir;
  const auto die_once = [](int i, const std::string& path) {
    const std::string mark = path + std::to_string(i);
    if (i % 10 == 3 && !std::filesystem::exists(mark)) {
      std::fclose(std::fopen(mark.c_str(), "w"));
      die_of(SIGKILL);
    }
    return i;
  };
  const auto [results, stats] =
      process_pool({.max_retries = 1}).map_with_stats(numbers(100), die_once, (dir / "a").string());
  for (int i = 0; i < 100; ++i) REQUIRE(results[static_cast<std::size_t>(i)] == i);
  CHECK(stats.retries == 10);
  CHECK(stats.tasks == 100);
  int next = 0;
  for (const int r : process_pool({.max_retries = 1}).imap(numbers(50), die_once, (dir / "b").string()))
    CHECK(r == next++);
  CHECK(next == 50);
  CHECK(process_pool({.max_retries = 1})
            .map_reduce(numbers(40), die_once, 0, std::plus<>(), (dir / "c").string()) == 780);
  CHECK(process_pool({.max_retries = 1}).submit(die_once, 3, (dir / "d").string()).get() == 3);
}

TEST_CASE("processes: a task that kills three workers is given up", "[parallel][processes]") {
  const scratch_dir dir;
  const auto deadly = [](int i, const std::string& path) {
    if (i != 4) return i;
    std::FILE* const file = std::fopen(path.c_str(), "a");
    std::fputc('x', file);
    std::fclose(file);
    die_of(SIGKILL);
    return i;
  };
  const auto e = caught<larder::worker_died>(
      [&] { process_pool({.max_retries = 100}).map(numbers(10), deadly, (dir / "deaths").string()); });
  REQUIRE(e);
  CHECK(e->task() == 4);
  CHECK(std::filesystem::file_size(dir / "deaths") == 3);
}

TEST_CASE("processes: other submitted calls do not suffer from one that dies", "[parallel][processes]") {
  const auto pool = process_pool();
  std::vector<larder::future<int>> futures;
  for (int i = 0; i < 20; ++i) {
    futures.push_back(pool.submit(
        [](int n) {
          if (n % 5 == 0) die_of(SIGKILL);
          return n;
        },
        i));
  }
  for (int i = 0; i < 20; ++i) {
    if (i % 5 == 0) {
      CHECK_THROWS_AS(futures[static_cast<std::size_t>(i)].get(), larder::worker_died);
    } else {
      CHECK(futures[static_cast<std::size_t>(i)].get() == i);
    }
  }
}

TEST_CASE("processes: a task over its time is killed, and named", "[parallel][processes]") {
  with_rising_limit(50ms, [](std::chrono::milliseconds limit) {
    const auto pool = process_pool({.timeout = limit});
    const auto e = caught<larder::timeout_error>([&] {
      pool.map(numbers(4), [](int i) {
        while (i == 2) ::pause();
      });
    });
    REQUIRE(e);
    if (e->task() != 2) return false;
    return !caught<larder::timeout_error>([&] {
      const auto all = pool.map(numbers(4), [](int i) { return i; });
      CHECK(all == std::vector{0, 1, 2, 3});
      auto late = pool.submit(
          [](int) {
            for (;;) ::pause();
          },
          1);
      auto fine = pool.submit([](int i) { return i; }, 2);
      CHECK_THROWS_AS(late.get(), larder::timeout_error);
      const int two = fine.get();
      CHECK(two == 2);
    });
  });
}

TEST_CASE("processes: a call that is cancelled takes down its worker, if it must", "[parallel][processes]") {
  const auto pool = process_pool();
  auto endless = pool.submit(
      [](int) {
        for (;;) ::pause();
      },
      1);
  CHECK(!endless.wait_for(50ms));
  CHECK(endless.cancel());
  CHECK_THROWS_AS(endless.get(), larder::task_cancelled);
  auto polite = pool.submit(
      [](int) {
        while (!larder::stop_requested()) std::this_thread::yield();
      },
      1);
  CHECK(polite.cancel());
  CHECK(pool.submit([](int i) { return i; }, 2).get() == 2);
}

TEST_CASE("processes: what is at work is stopped when a call fails or its consumer leaves",
          "[parallel][processes]") {
  // Tasks that are not stopped hold the test up for ever, or for an hour.
  const auto pool = process_pool({.batch_size = 1});
  CHECK_THROWS_AS(pool.map(numbers(2),
                           [](int i) {
                             if (i == 1) throw std::runtime_error("at once");
                             for (;;) ::pause();
                           }),
                  std::runtime_error);
  for ([[maybe_unused]] const int r : pool.imap_unordered(numbers(1000), [](int i) {
         if (i > 0) std::this_thread::sleep_for(1h);
         return i;
       })) {
    break;
  }
  CHECK(pool.map(numbers(2), [](int i) { return i; }) == std::vector{0, 1});
}

TEST_CASE("processes: workers that are idle for long leave", "[parallel][processes]") {
  const auto pids = processes_of(process_pool({.idle_timeout = 0s}));
  for (const pid_t each : pids) CHECK(soon([&] { return !is_alive(each); }));
  CHECK(process_pool().map(numbers(2), [](int i) { return i; }) == std::vector{0, 1});
}

TEST_CASE("processes: workers killed while they are idle are replaced", "[parallel][processes]") {
  const auto pool = process_pool();
  for (int i = 0; i < 10; ++i) {
    for (const pid_t each : processes_of(pool, 4)) ::kill(each, SIGKILL);
    REQUIRE(pool.map(numbers(4), [](int k) { return k; }) == std::vector{0, 1, 2, 3});
  }
}

TEST_CASE("processes: a parent that is killed takes its workers with it, busy or not",
          "[parallel][processes]") {
  for (int repeat = 0; repeat < 100; ++repeat) {
    const scratch_dir dir;
    const auto path = (dir / "pid").string();
    const bool busy = repeat % 2 == 0;
    child_process parent([&]() -> int {
      const auto pool = process_pool();
      const auto tell = [](int i, const std::string& file, bool stays) {
        std::FILE* const out = std::fopen((file + std::to_string(i) + ".new").c_str(), "w");
        std::fprintf(out, "%d", static_cast<int>(::getpid()));
        std::fclose(out);
        std::filesystem::rename(file + std::to_string(i) + ".new", file + std::to_string(i));
        while (stays) ::pause();
      };
      pool.map(numbers(2), tell, path, busy);
      for (;;) ::pause();
    });
    std::list<watched_process> workers;
    for (const char* const i : {"0", "1"}) {
      REQUIRE(soon([&] { return std::filesystem::exists(path + i); }));
      std::FILE* const in = std::fopen((path + i).c_str(), "r");
      int pid = 0;
      REQUIRE(std::fscanf(in, "%d", &pid) == 1);
      std::fclose(in);
      workers.emplace_back(pid);
    }
    parent.kill();
    for (const auto& each : workers) REQUIRE(each.ends());
  }
}

TEST_CASE("processes: workers killed at random all the time do not change what comes out, and leave nothing",
          "[parallel][processes]") {
  // With a sanitizer a worker takes ten times as long to begin.
  constexpr bool k_is_sanitized = LARDER_TEST_ADDRESS_SANITIZER || LARDER_TEST_THREAD_SANITIZER;
  constexpr int k_kills = k_is_sanitized ? 200 : 1000;
  const auto pool = process_pool({.max_retries = 2, .idle_timeout = 0s});
  const auto before = open_descriptors();
  std::mt19937 random(7);  // NOLINT(cert-msc51-cpp): the same each time
  int kills = 0;
  // The victims are told by the workers themselves: each task notes its process where the killer looks.
  const auto board = larder::array<int>::shared({2});
  while (kills < k_kills) {
    std::atomic<bool> ends = false;
    std::thread killer([&] {
      while (!ends && kills < k_kills) {
        std::this_thread::sleep_for(std::chrono::microseconds(500 + random() % 4000));
        const pid_t victim = std::atomic_ref(board(static_cast<std::size_t>(random() % 2))).exchange(0);
        if (victim > 0 && !ends && ::kill(victim, SIGKILL) == 0) ++kills;
      }
    });
    const auto results = pool.map(
        numbers(20000),
        [](int i, const larder::array<int>& note) {
          std::atomic_ref(note(static_cast<std::size_t>(i % 2))).store(::getpid());
          return i * 3;
        },
        board);
    bool is_right = results.size() == 20000;
    for (std::size_t i = 0; i < results.size(); ++i)
      is_right = is_right && results[i] == static_cast<int>(i) * 3;
    ends = true;
    killer.join();
    REQUIRE(is_right);
  }
  CHECK(soon([&] {
    (void)process_pool({.idle_timeout = 0s});
    return open_descriptors() <= before + 2 * 8;
  }));
}
