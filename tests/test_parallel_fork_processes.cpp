#include <larder/parallel.hpp>

#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <forward_list>
#include <fstream>
#include <iostream>
#include <latch>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include <larder/error.hpp>

#include "src/team.hpp"
#include "tests/catch.hpp"
#include "tests/child_process.hpp"
#include "tests/fork_pool.hpp"
#include "tests/pools.hpp"
#include "tests/processes.hpp"
#include "tests/sanitizers.hpp"
#include "tests/scratch_dir.hpp"

using larder::backend;
using larder::parallel;

#if !LARDER_TEST_THREAD_SANITIZER  // it has a thread of its own, so that all is refused
TEST_CASE("fork: programs with threads are refused unless they are allowed", "[parallel][fork]") {
  std::latch running(1);
  std::latch release(1);
  std::thread other([&] {
    running.count_down();
    release.wait();
  });
  running.wait();
  const auto square = [](int i) { return i * i; };
  const auto e = caught<larder::value_error>([&] { fork_pool().map(numbers(4), square); });
  REQUIRE(e);
  CHECK_THAT(e->what(), Catch::Matchers::ContainsSubstring("allow_threads") &&
                            Catch::Matchers::ContainsSubstring("1 thread"));
  CHECK_THROWS_AS(fork_pool().map(std::forward_list{1, 2}, square), larder::value_error);
  CHECK(fork_pool({.allow_threads = true}).map(numbers(4), square) == std::vector{0, 1, 4, 9});
  release.count_down();
  other.join();
  CHECK(fork_pool().map(numbers(4), square) == std::vector{0, 1, 4, 9});
}

TEST_CASE("fork: works at once after a thread has been joined, and after the team has run",
          "[parallel][fork]") {
  for (int repeat = 0; repeat < 100; ++repeat) {
    std::thread([] {}).join();
    larder::detail::run_on_team(4, [](unsigned) noexcept {});
    REQUIRE(fork_pool().map(numbers(2), [](int i) { return i; }) == std::vector{0, 1});
  }
}
#endif

TEST_CASE("fork: what was printed is printed once, and exit handlers run once", "[parallel][fork]") {
  const scratch_dir dir;
  const auto output = dir / "output";
  static std::string other_path;
  other_path = dir / "other";
  std::fflush(stdout);  // what the test program printed itself is not to be found below
  child_process program([&] {
    const int fd = ::open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(fd, STDOUT_FILENO);
    std::atexit([] { (void)!::write(STDOUT_FILENO, "handler\n", 8); });
    static struct at_end {
      ~at_end() { (void)!::write(STDOUT_FILENO, "destructor\n", 11); }
    } object;
    std::FILE* const other = std::fopen(other_path.c_str(), "w");
    std::fputs("other\n", other);
    std::fputs("before\n", stdout);
    std::cout << "stream before\n";
    const auto task = [](int i) { std::printf("task %d\n", i); };
    fork_pool().map(std::vector{1, 2}, task);
    fork_pool().map(std::forward_list{3, 4}, task);
    try {
      fork_pool().map(std::vector{5}, [](int) { std::exit(0); });
    } catch (const larder::worker_died&) {
    }
    std::exit(0);
    return 1;
  });
  CHECK(program.wait() == 0);
  const auto lines_of = [](const std::filesystem::path& path) {
    std::ifstream stream(path);
    std::multiset<std::string> lines;
    for (std::string line; std::getline(stream, line);) lines.insert(line);
    return lines;
  };
  CHECK(lines_of(output) == std::multiset<std::string>{"before", "stream before", "task 1", "task 2",
                                                       "task 3", "task 4", "destructor", "handler"});
  CHECK(lines_of(other_path) == std::multiset<std::string>{"other"});
}

namespace {

/// A program that maps tasks which never end, over a range of this kind. Its children hold the writing end of a pipe; returns once
/// both are at a task.
struct endless_program {
  explicit endless_program(bool is_lazy, bool has_group = false)
      : child([&, this] {
          if (has_group) ::setpgid(0, 0);
          std::signal(SIGINT, SIG_DFL);
          ::close(alive[0]);
          const auto task = [this](int) {
            ready.post();
            for (;;) ::pause();
          };
          if (is_lazy) {
            fork_pool().map(std::forward_list{1, 2}, task);
          } else {
            fork_pool().map(std::vector{1, 2}, task);
          }
          return 0;
        }) {
    ::close(alive[1]);
    ready.wait();
    ready.wait();
  }
  ~endless_program() { ::close(alive[0]); }
  /// Returns when nobody has the pipe any more: when parent and children are gone.
  void wait_until_all_are_gone() const {
    char byte = 0;
    (void)!::read(alive[0], &byte, 1);
  }

  process_signal ready;
  int alive[2] = {-1, -1};
  int made = ::pipe(alive);
  child_process child;
};

}  // namespace

TEST_CASE("fork: children die with their parent", "[parallel][fork]") {
  for (const bool is_lazy : {false, true}) {
    endless_program program(is_lazy);
    CHECK(program.child.kill() == -SIGKILL);
    program.wait_until_all_are_gone();
  }
}

TEST_CASE("fork: Ctrl-C ends the parent, and its children with it", "[parallel][fork]") {
  for (const bool is_lazy : {false, true}) {
    endless_program program(is_lazy, true);
    ::kill(-program.child.pid(), SIGINT);
    CHECK(program.child.wait() == -SIGINT);
    program.wait_until_all_are_gone();
  }
}

TEST_CASE("fork: a parent that survives Ctrl-C gets its results", "[parallel][fork]") {
  child_process program([] {
    ::setpgid(0, 0);
    std::signal(SIGINT, SIG_IGN);
    std::signal(SIGINT, [](int) {});
    const auto results = fork_pool().map(numbers(2), [](int i) {
      ::kill(0, SIGINT);
      return i;
    });
    return results == std::vector{0, 1} ? 0 : 1;
  });
  CHECK(program.wait() == 0);
}

TEST_CASE("fork: children are killed with a process that is killed within a task", "[parallel][fork]") {
  // The grandchild holds the pipe; its parent is a child that its own parent kills.
  int alive[2] = {-1, -1};
  REQUIRE(::pipe(alive) == 0);
  const auto outer = [&](int i) {
    if (i == 1) return 1;
    parallel(on(backend::fork, {.n_jobs = 2, .allow_threads = true})).map(numbers(2), [](int) {
      ::kill(::getppid(), SIGKILL);
      for (;;) ::pause();
    });
    return 0;
  };
  CHECK_THROWS_AS(fork_pool({.inner_threads = 2}).map(numbers(2), outer), larder::worker_died);
  ::close(alive[1]);
  char byte = 0;
  CHECK(::read(alive[0], &byte, 1) == 0);
  ::close(alive[0]);
}

TEST_CASE("fork: a program that ignores SIGCHLD gets its results", "[parallel][fork]") {
  child_process program([] {
    std::signal(SIGCHLD, SIG_IGN);
    const auto indexed = fork_pool().map(numbers(20), [](int i) { return i; });
    const auto lazy = fork_pool().map(std::forward_list{0, 1, 2}, [](int i) { return i; });
    return indexed.size() == 20 && lazy.size() == 3 ? 0 : 1;
  });
  CHECK(program.wait() == 0);
}

TEST_CASE("fork: a thousand pools leave no descriptor and no process", "[parallel][fork]") {
  const auto square = [](int i) { return i * i; };
  fork_pool().map(numbers(2), square);
  const std::size_t before = open_descriptors();
  for (int i = 0; i < 1000; ++i) {
    if (i % 4 == 0) {
      fork_pool().submit(square, i).get();
    } else if (i % 4 == 1) {
      const auto unwanted = fork_pool().submit(square, i);
    } else {
      fork_pool().map(numbers(2), square);
    }
  }
  CHECK(open_descriptors() == before);
  CHECK_FALSE(has_children());
}
