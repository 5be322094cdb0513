#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <latch>
#include <memory>
#include <thread>
#include <vector>

#include "src/team.hpp"
#include "tests/catch.hpp"

// The thread sanitizer keeps the parent's threads on its books in a child of fork and ends the child when one
// of its own gets the same id, so what starts threads in such a child is tested without it.
#if defined(__SANITIZE_THREAD__)
#define LARDER_TEST_FORK 0
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define LARDER_TEST_FORK 0
#endif
#endif
#ifndef LARDER_TEST_FORK
#define LARDER_TEST_FORK 1
#endif

using larder::detail::background_call;
using larder::detail::inside_team_body;
using larder::detail::nested_allowance;
using larder::detail::nested_threads;
using larder::detail::run_on_team;

namespace {

// Whether `run` returns true (or does not return, but ends the process with status 0) in a child of fork. A
// child that hangs is ended by SIGALRM and counts as false.
template <class Run>
bool holds_in_child(Run run) {
  std::fflush(nullptr);
  std::cout.flush();
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);
    ::_exit(run() ? 0 : 1);
  }
  int status = -1;
  return child > 0 && ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// Whether the hidden test case of that name passes in a process of its own: one that has its own team, whose
// number of threads is known, and that may end.
bool passes_alone(const char* name) {
  return holds_in_child([&] {
    ::execl("/proc/self/exe", "tests", name, "--out", "/dev/null", nullptr);
    return false;
  });
}

// Returns only when `workers` bodies have been running at the same moment.
void meet(unsigned workers) {
  std::latch all(workers);
  run_on_team(workers, [&](unsigned) noexcept { all.arrive_and_wait(); });
}

std::size_t sum_on_team(unsigned workers, std::size_t count) {
  std::atomic<std::size_t> next = 0;
  std::atomic<std::size_t> sum = 0;
  run_on_team(workers, [&](unsigned) noexcept {
    std::size_t own = 0;
    for (std::size_t i = next++; i < count; i = next++) own += i;
    sum += own;
  });
  return sum;
}

// Jobs that are only counted: what a background call works off in these tests.
struct counted_jobs {
  std::atomic<int> left = 0;
  std::atomic<int> done = 0;

  // A body: until there are none.
  void operator()(unsigned) noexcept {
    for (int seen = left; seen > 0;) {
      if (!left.compare_exchange_weak(seen, seen - 1)) continue;
      if (++done; true) done.notify_all();
      seen = left;
    }
  }
  void wait_for(int count) const {
    for (int seen = done; seen < count; seen = done) done.wait(seen);
  }
};

constexpr std::size_t triangle(std::size_t count) { return count * (count - 1) / 2; }

}  // namespace

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

TEST_CASE("team: a background call works off what it is invited for", "[team][background]") {
  counted_jobs jobs;
  background_call call(3, jobs);
  for (int i = 1; i <= 2000; ++i) {
    ++jobs.left;
    REQUIRE(call.invite());
    if (i % 7 == 0) jobs.wait_for(i);
  }
  jobs.wait_for(2000);
  CHECK(jobs.left == 0);
}

TEST_CASE("team: what was there before an invitation is found, though all were about to leave",
          "[team][background]") {
  // One worker at most: each job after the first comes while it is in, or as it leaves.
  counted_jobs jobs;
  background_call call(1, jobs);
  for (int i = 1; i <= 20000; ++i) {
    ++jobs.left;
    REQUIRE(call.invite());
    for (int pause = 0; pause < i % 64; ++pause) jobs.left.load();
  }
  jobs.wait_for(20000);
  CHECK(jobs.left == 0);
}

TEST_CASE("team: a background call has no more threads than it asked for, each with its own number",
          "[team][background]") {
  std::atomic<unsigned> numbers = 0;  // a bit each
  std::atomic<int> wrong = 0;
  std::atomic<int> ran = 0;
  std::latch three(3);
  {
    const auto body = [&](unsigned worker) noexcept {
      if (worker >= 3 || !inside_team_body() || nested_allowance() != 1) ++wrong;
      if ((numbers.fetch_or(1U << worker) & 1U << worker) != 0) ++wrong;
      if (ran++ < 3) three.arrive_and_wait();
      numbers.fetch_and(~(1U << worker));
    };
    background_call call(3, body);
    for (int i = 0; i < 3; ++i) REQUIRE(call.invite());
    three.wait();
    for (int i = 0; i < 500; ++i) REQUIRE(call.invite());
  }
  CHECK(numbers == 0);
  CHECK(wrong == 0);
  CHECK(ran >= 3);
}

TEST_CASE("team: threads come to a background call although all others are busy", "[team][background]") {
  // Bodies that each wait for the one of the next call: all have to run at the same time.
  constexpr int k_calls = 6;
  std::latch all(k_calls);
  const auto body = [&](unsigned) noexcept { all.arrive_and_wait(); };
  std::vector<std::unique_ptr<background_call>> calls;
  for (int i = 0; i < k_calls; ++i) {
    calls.push_back(std::make_unique<background_call>(1, body));
    REQUIRE(calls.back()->invite());
  }
  all.wait();
}

TEST_CASE("team: bodies invite to their own call and to others", "[team][background]") {
  counted_jobs jobs;
  background_call inner(2, jobs);
  std::atomic<int> rounds = 0;
  std::atomic<bool> refused = false;
  background_call* own = nullptr;
  const auto body = [&](unsigned) noexcept {
    if (rounds++ >= 1000) return;
    ++jobs.left;
    if (!inner.invite() || !own->invite()) refused = true;
  };
  background_call outer(2, body);
  own = &outer;
  REQUIRE(outer.invite());
  jobs.wait_for(1000);
  CHECK_FALSE(refused);
}

TEST_CASE("team: two background calls and others go on between each other in one thread",
          "[team][background]") {
  counted_jobs first;
  counted_jobs second;
  background_call one(2, first);
  background_call other(2, second);
  for (int i = 1; i <= 300; ++i) {
    ++first.left;
    REQUIRE(one.invite());
    ++second.left;
    REQUIRE(other.invite());
    REQUIRE(sum_on_team(3, 100) == triangle(100));
    first.wait_for(i);
    second.wait_for(i);
  }
}

TEST_CASE("team: a call beside a background call whose threads are busy has threads of its own",
          "[team][background]") {
  std::latch busy(3);
  std::latch release(1);
  std::atomic<int> came = 0;
  const auto body = [&](unsigned) noexcept {
    if (came++ < 2) busy.arrive_and_wait();
    release.wait();
  };
  background_call call(2, body);
  REQUIRE(call.invite());
  REQUIRE(call.invite());
  busy.arrive_and_wait();
  meet(3);
  release.count_down();
}

TEST_CASE("team: a background call ends after the bodies that began, with what they wrote",
          "[team][background]") {
  for (int repeat = 0; repeat < 100; ++repeat) {
    std::latch begun(1);
    int written = 0;
    {
      const auto body = [&](unsigned) noexcept {
        begun.count_down();
        for (int i = 0; i < 20; ++i) std::this_thread::yield();
        written = repeat + 1;
      };
      background_call call(2, body);
      REQUIRE(call.invite());
      begun.wait();
    }
    REQUIRE(written == repeat + 1);
  }
  // Whether they come before the end or not at all.
  for (int repeat = 0; repeat < 200; ++repeat) {
    const auto body = [](unsigned) noexcept {};
    background_call call(3, body);
    call.invite();
    call.invite();
  }
}

TEST_CASE("team: several threads have background calls at once", "[team][background]") {
  std::atomic<int> wrong = 0;
  std::vector<std::thread> callers;
  for (unsigned caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&wrong, caller] {
      for (int repeat = 0; repeat < 100; ++repeat) {
        counted_jobs jobs;
        background_call call(1 + caller, jobs);
        for (int i = 0; i < 10; ++i) {
          ++jobs.left;
          if (!call.invite()) ++wrong;
        }
        if (sum_on_team(2, 10) != triangle(10)) ++wrong;
        jobs.wait_for(10);
      }
    });
  }
  for (auto& caller : callers) caller.join();
  CHECK(wrong == 0);
}

#if LARDER_TEST_FORK
TEST_CASE("team: a background call stays behind when a child is forked", "[team][background][fork]") {
  std::latch busy(2);
  std::latch release(1);
  const auto body = [&](unsigned) noexcept {
    if (!release.try_wait()) busy.arrive_and_wait();
    release.wait();
  };
  background_call call(3, body);
  REQUIRE(call.invite());
  busy.arrive_and_wait();
  CHECK(holds_in_child([&] {
    const bool refused = !call.invite();
    call.~background_call();  // its thread is not here
    counted_jobs jobs;
    background_call own(2, jobs);
    ++jobs.left;
    const bool invited = own.invite();
    jobs.wait_for(1);
    meet(3);
    return refused && invited;
  }));
  release.count_down();
  CHECK(call.invite());
}

TEST_CASE("team: works anew in a child of fork", "[team][fork]") {
  meet(3);
  CHECK(holds_in_child([] {
    meet(3);
    return sum_on_team(3, 1000) == triangle(1000) && holds_in_child([] {
             meet(2);
             return true;
           });
  }));
  meet(3);
}

// The address sanitizer's allocator has locks that fork does not take: where another thread holds one at that moment,
// the child waits for it for ever. In all other tests the other threads rest while a child is forked.
#if !defined(__SANITIZE_ADDRESS__)
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
    if (!holds_in_child([] {
          meet(2);
          return sum_on_team(2, 100) == triangle(100);
        })) {
      ++failed;
    }
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
    if (holds_in_child([] { return inside_team_body() && sum_on_team(2, 100) == triangle(100); })) ++good;
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
  CHECK(passes_alone("alone: an invitation is refused where the system gives no thread"));
  CHECK(passes_alone("alone: the process ends while a background call lives"));
  CHECK(passes_alone("alone: the process ends when a body of a static background call calls exit"));
  CHECK(passes_alone("alone: what was invited for before the end of the process is done"));
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

TEST_CASE("alone: an invitation is refused where the system gives no thread", "[.alone]") {
  pthread_attr_t no_room;
  REQUIRE(::pthread_attr_init(&no_room) == 0);
  REQUIRE(::pthread_attr_setstacksize(&no_room, std::size_t{1} << 50) == 0);
  pthread_attr_t usual;
  REQUIRE(::pthread_getattr_default_np(&usual) == 0);
  REQUIRE(::pthread_setattr_default_np(&no_room) == 0);
  std::atomic<int> bodies = 0;
  std::latch busy(2);
  std::latch release(1);
  const auto body = [&](unsigned) noexcept {
    const bool first = ++bodies == 1;
    bodies.notify_all();
    if (first) busy.arrive_and_wait();
    release.wait();
  };
  {
    background_call call(2, body);
    CHECK_FALSE(call.invite());
    REQUIRE(::pthread_setattr_default_np(&usual) == 0);
    CHECK(call.invite());
    busy.arrive_and_wait();
    REQUIRE(::pthread_setattr_default_np(&no_room) == 0);
    CHECK(call.invite());  // the one that is in looks again
    background_call other(2, body);
    CHECK_FALSE(other.invite());
    release.count_down();
    bodies.wait(1);
  }
  CHECK(bodies == 2);
}

TEST_CASE("alone: the process ends while a background call lives", "[.alone]") {
  static std::latch begun(3);
  static const auto leaves = [](unsigned) noexcept { begun.arrive_and_wait(); };
  static const auto stays = [](unsigned) noexcept {
    begun.arrive_and_wait();
    for (;;) ::pause();
  };
  static background_call idle(2, leaves);
  static background_call busy(2, leaves);
  REQUIRE(busy.invite());
  static background_call& endless = *new background_call(2, stays);  // the kernel ends its thread
  REQUIRE(endless.invite());
  begun.arrive_and_wait();
  std::exit(0);
}

TEST_CASE("alone: the process ends when a body of a static background call calls exit", "[.alone]") {
  static const auto body = [](unsigned) noexcept { std::exit(0); };
  static background_call call(2, body);
  REQUIRE(call.invite());
  for (;;) ::pause();
}

TEST_CASE("alone: what was invited for before the end of the process is done", "[.alone]") {
  static counted_jobs jobs;
  static background_call call(1, jobs);
  // Runs after the team's own handler, which is registered with the first thread.
  std::atexit([] {
    jobs.wait_for(1);
    ++jobs.left;
    if (call.invite()) jobs.wait_for(2);
  });
  ++jobs.left;
  REQUIRE(call.invite());
  std::exit(0);
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
