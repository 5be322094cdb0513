#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <latch>
#include <memory>
#include <thread>
#include <vector>

#include "src/team.hpp"
#include "tests/catch.hpp"
#include "tests/child_process.hpp"
#include "tests/sanitizers.hpp"
#include "tests/team_calls.hpp"

using larder::detail::background_call;
using larder::detail::inside_team_body;
using larder::detail::nested_allowance;

namespace {

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

}  // namespace

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

TEST_CASE("team: each invitation has a run of the body of its own", "[team][background]") {
  // As whoever counts its threads relies on: one more with each invitation, one less with each run.
  for (const int workers : {1, 3}) {
    std::atomic<int> expected = 0;
    const auto body = [&](unsigned) noexcept {
      --expected;
      expected.notify_all();
    };
    background_call call(static_cast<unsigned>(workers), body);
    for (int i = 0; i < 5000; ++i) {
      for (int seen = expected; seen >= workers; seen = expected) expected.wait(seen);
      ++expected;
      REQUIRE(call.invite());
    }
    for (int seen = expected; seen != 0; seen = expected) expected.wait(seen);
  }
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

#if LARDER_TEST_THREADS_IN_CHILD
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
  child_process child([&] {
    const bool refused = !call.invite();
    call.~background_call();  // its thread is not here
    counted_jobs jobs;
    background_call own(2, jobs);
    ++jobs.left;
    const bool invited = own.invite();
    jobs.wait_for(1);
    meet(3);
    return refused && invited ? 0 : 1;
  });
  CHECK(child.wait() == 0);
  release.count_down();
  CHECK(call.invite());
}
#endif

TEST_CASE("team: background calls in a process of its own", "[team][background]") {
  CHECK(passes_alone("alone: an invitation is refused where the system gives no thread"));
  CHECK(passes_alone("alone: the process ends while a background call lives"));
  CHECK(passes_alone("alone: the process ends when a body of a static background call calls exit"));
  CHECK(passes_alone("alone: what was invited for before the end of the process is done"));
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
