#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <latch>
#include <thread>
#include <vector>

#include "src/team.hpp"
#include "tests/catch.hpp"
#include "tests/child_process.hpp"
#include "tests/sanitizers.hpp"
#include "tests/team_calls.hpp"

using larder::detail::inside_team_body;
using larder::detail::nested_allowance;
using larder::detail::nested_threads;
using larder::detail::run_on_team;

TEST_CASE("team: the caller is worker 0, and with one worker the only one", "[team]") {
  for (const unsigned workers : {0U, 1U}) {
    std::vector<unsigned> ran;
    const auto caller = std::this_thread::get_id();
    bool in_caller = false;
    bool inside = true;
    run_on_team(workers, [&](unsigned worker) noexcept {
      ran.push_back(worker);
      in_caller = std::this_thread::get_id() == caller;
      inside = inside_team_body();
    });
    CHECK(ran == std::vector<unsigned>{0});
    CHECK(in_caller);
    CHECK_FALSE(inside);
  }
}

TEST_CASE("team: as many bodies as asked for run at the same time, each with its own number", "[team]") {
  for (const unsigned workers : {2U, 3U, 8U}) {
    std::vector<int> ran(workers, 0);
    std::latch all(workers);
    run_on_team(workers, [&](unsigned worker) noexcept {
      all.arrive_and_wait();
      ++ran[worker];
    });
    CHECK(ran == std::vector<int>(workers, 1));
  }
}

TEST_CASE("team: a call returns after every body that started", "[team]") {
  for (int repeat = 0; repeat < 200; ++repeat) {
    std::latch started(2);
    int written_by_helper = 0;
    run_on_team(2, [&](unsigned worker) noexcept {
      started.arrive_and_wait();
      if (worker == 0) return;
      for (int i = 0; i < 20; ++i) std::this_thread::yield();
      written_by_helper = repeat + 1;
    });
    REQUIRE(written_by_helper == repeat + 1);
  }
}

TEST_CASE("team: a call inside a body runs in that body's thread alone", "[team]") {
  std::latch all(2);
  std::atomic<int> inner_bodies = 0;
  std::atomic<int> elsewhere = 0;
  std::atomic<int> not_inside = 0;
  run_on_team(2, [&](unsigned) noexcept {
    all.arrive_and_wait();
    const auto self = std::this_thread::get_id();
    run_on_team(4, [&](unsigned worker) noexcept {
      ++inner_bodies;
      if (worker != 0 || std::this_thread::get_id() != self) ++elsewhere;
      if (!inside_team_body()) ++not_inside;
    });
    if (!inside_team_body()) ++not_inside;
  });
  CHECK(inner_bodies == 2);
  CHECK(elsewhere == 0);
  CHECK(not_inside == 0);
  CHECK_FALSE(inside_team_body());
}

TEST_CASE("team: several threads call at once and each gets its own work done", "[team]") {
  std::atomic<int> wrong = 0;
  std::vector<std::thread> callers;
  for (unsigned caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&wrong, caller] {
      for (std::size_t count = 0; count < 500; ++count) {
        if (sum_on_team(2 + caller, count) != (count == 0 ? 0 : triangle(count))) ++wrong;
      }
    });
  }
  for (auto& caller : callers) caller.join();
  CHECK(wrong == 0);
}

TEST_CASE("team: inside a body a call has as many threads as it is allowed", "[team][nested]") {
  CHECK(nested_allowance() > 1000);
  std::latch outer(2);
  std::latch all(6);  // comes to its end only when all bodies of both inner calls run at the same time
  std::atomic<int> wrong = 0;
  run_on_team(2, [&](unsigned) noexcept {
    outer.arrive_and_wait();
    if (nested_allowance() != 1) ++wrong;
    {
      const nested_threads three(3);
      if (nested_allowance() != 3) ++wrong;
      run_on_team(8, [&](unsigned worker) noexcept {
        all.arrive_and_wait();
        if (worker > 2 || nested_allowance() != 1) ++wrong;
        run_on_team(2, [&](unsigned innermost) noexcept { wrong += innermost == 0 ? 0 : 1; });
      });
      const nested_threads none(0);
      if (nested_allowance() != 1) ++wrong;
    }
    if (nested_allowance() != 1) ++wrong;
  });
  CHECK(wrong == 0);
  CHECK(nested_allowance() > 1000);
}

TEST_CASE("team: outside of bodies, too, a call has no more threads than it is allowed", "[team][nested]") {
  const nested_threads two(2);
  std::atomic<unsigned> most = 0;
  std::latch both(2);
  run_on_team(8, [&](unsigned worker) noexcept {
    both.arrive_and_wait();
    if (worker > most) most = worker;
  });
  CHECK(most == 1);
}

TEST_CASE("team: calls nested four deep come to their end", "[team][nested]") {
  for (int repeat = 0; repeat < 50; ++repeat) {
    std::atomic<int> leaves = 0;
    const auto nest = [&](const auto& self, int depth) noexcept -> void {
      if (depth == 0) {
        ++leaves;
        return;
      }
      const nested_threads three(3);
      std::atomic<int> next = 0;
      run_on_team(3, [&](unsigned) noexcept {
        while (next++ < 3) self(self, depth - 1);
      });
    };
    nest(nest, 4);
    REQUIRE(leaves == 81);
  }
}

#if LARDER_TEST_THREADS_IN_CHILD
TEST_CASE("team: works anew in a child of fork", "[team][fork]") {
  meet(3);
  child_process child([] {
    meet(3);
    child_process grandchild([] {
      meet(2);
      return 0;
    });
    return sum_on_team(3, 1000) == triangle(1000) && grandchild.wait() == 0 ? 0 : 1;
  });
  CHECK(child.wait() == 0);
  meet(3);
}

#if LARDER_TEST_FORK_BESIDE_THREADS
TEST_CASE("team: works in children that are forked while other threads use the team", "[team][fork]") {
  std::atomic<bool> stop = false;
  std::vector<std::thread> others;
  for (int i = 0; i < 3; ++i) {
    others.emplace_back([&] {
      while (!stop) sum_on_team(3, 10);
    });
  }
  int failed = 0;
  for (int i = 0; i < 100; ++i) {
    child_process child([] {
      meet(2);
      return sum_on_team(2, 100) == triangle(100) ? 0 : 1;
    });
    if (child.wait() != 0) ++failed;
  }
  stop = true;
  for (auto& other : others) other.join();
  CHECK(failed == 0);
}
#endif
#endif

TEST_CASE("team: a body may fork a child that leaves by _exit", "[team][fork]") {
  std::latch all(2);
  std::atomic<int> good = 0;
  run_on_team(2, [&](unsigned) noexcept {
    all.arrive_and_wait();
    child_process child([] { return inside_team_body() && sum_on_team(2, 100) == triangle(100) ? 0 : 1; });
    if (child.wait() == 0) ++good;
  });
  CHECK(good == 2);
}

TEST_CASE("team: in a process of its own", "[team]") {
  CHECK(passes_alone("alone: a call does not wait for threads that are busy elsewhere"));
  CHECK(passes_alone("alone: a call goes on with the threads there are when the system gives no more"));
  CHECK(passes_alone("alone: the process ends while the team is idle"));
  CHECK(passes_alone("alone: the process ends when a body calls exit"));
  CHECK(passes_alone("alone: the process ends while another thread is in a body"));
  CHECK(passes_alone("alone: exit handlers can use the team before and after it has stopped"));
}

TEST_CASE("alone: a call does not wait for threads that are busy elsewhere", "[.alone]") {
  std::latch occupied(2);
  std::latch release(1);
  std::thread other([&] {
    run_on_team(2, [&](unsigned) noexcept {
      occupied.arrive_and_wait();
      release.wait();
    });
  });
  occupied.wait();  // from here the team's one thread is in a body that does not end before `release`
  std::atomic<int> bodies = 0;
  run_on_team(2, [&](unsigned) noexcept { ++bodies; });
  release.count_down();
  other.join();
  CHECK(bodies == 1);
}

TEST_CASE("alone: a call goes on with the threads there are when the system gives no more", "[.alone]") {
  meet(2);
  pthread_attr_t no_room;
  REQUIRE(::pthread_attr_init(&no_room) == 0);
  REQUIRE(::pthread_attr_setstacksize(&no_room, std::size_t{1} << 50) == 0);
  REQUIRE(::pthread_setattr_default_np(&no_room) == 0);
  std::atomic<int> bodies = 0;
  run_on_team(8, [&](unsigned) noexcept { ++bodies; });
  CHECK(bodies >= 1);
  CHECK(bodies <= 2);
  CHECK(sum_on_team(8, 1000) == triangle(1000));
  meet(2);
}

TEST_CASE("alone: the process ends while the team is idle", "[.alone]") {
  meet(4);
  std::exit(0);
}

TEST_CASE("alone: the process ends when a body calls exit", "[.alone]") {
  std::latch all(3);
  run_on_team(3, [&](unsigned worker) noexcept {
    all.arrive_and_wait();
    if (worker == 1) std::exit(0);
    for (;;) ::pause();
  });
}

TEST_CASE("alone: the process ends while another thread is in a body", "[.alone]") {
  meet(4);
  static std::latch started(3);
  std::thread([] {
    run_on_team(2, [](unsigned) noexcept {
      started.arrive_and_wait();
      for (;;) ::pause();
    });
  }).detach();
  started.arrive_and_wait();
  std::exit(0);
}

TEST_CASE("alone: exit handlers can use the team before and after it has stopped", "[.alone]") {
  const auto use = [] {
    if (sum_on_team(4, 1000) != triangle(1000)) ::_exit(2);
  };
  std::atexit(use);  // after: the team's own handler is registered later, with its first thread
  meet(4);
  std::atexit(use);
  std::exit(0);
}
