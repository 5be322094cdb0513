// Of those who miss on one key at once, one computes: among threads and processes, whatever becomes of it.

#include <larder/memory.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <atomic>
#include <barrier>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <larder/error.hpp>
#include <larder/log.hpp>
#include <larder/parallel.hpp>

#include "tests/cached_functions.hpp"
#include "tests/captured_log.hpp"
#include "tests/catch.hpp"
#include "tests/child_process.hpp"
#include "tests/sanitizers.hpp"
#include "tests/scratch_dir.hpp"

using larder::memory;
using larder::on_busy;
using larder::outcome;

namespace {

/// Numbers that a test's processes share.
struct shared_numbers {
  std::atomic<int> computed = 0;
  std::atomic<int> at_once = 0;
  std::atomic<int> most_at_once = 0;
};
shared_numbers& numbers() {
  static auto* const shared =
      new (::mmap(nullptr, sizeof(shared_numbers), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))
          shared_numbers;
  return *shared;
}

// Between the test and a function that is being computed.
struct stage {
  process_signal entered;
  process_signal leave;
};
stage* the_stage = nullptr;

/// Says that it has begun, and goes on when it is told to.
int staged(int x) {
  ++numbers().computed;
  the_stage->entered.post();
  the_stage->leave.wait();
  if (x < 0) throw std::domain_error("negative");
  return 2 * x;
}

int counted_call(int x) {
  shared_numbers& n = numbers();
  ++n.computed;
  const int now = ++n.at_once;
  for (int most = n.most_at_once; most < now && !n.most_at_once.compare_exchange_weak(most, now);) {
  }
  std::this_thread::yield();
  --n.at_once;
  return 2 * x;
}

/// Waits until somebody waits for a lock on the cache's lock file: as the kernel lists it.
void await_waiters(const std::filesystem::path& cache, int count) {
  struct ::stat status {};
  REQUIRE(::stat((cache / ".larder-lock").c_str(), &status) == 0);
  const std::string inode = ":" + std::to_string(status.st_ino) + " ";
  for (int waiting = 0; waiting < count;) {
    waiting = 0;
    std::ifstream locks("/proc/locks");
    for (std::string line; std::getline(locks, line);) {
      waiting += line.find(" -> ") != std::string::npos && line.find(inode) != std::string::npos;
    }
    std::this_thread::yield();
  }
}

template <class F>
bool throws(const F& f, int x) {
  try {
    f(x);
    return false;
  } catch (const std::domain_error&) {
    return true;
  }
}

int fibonacci(int n);
larder::memory* the_memory = nullptr;
int cached_fibonacci(int n) { return the_memory->cache("fibonacci", fibonacci, {.version = "1"})(n); }
int fibonacci(int n) {
  ++calls;
  return n < 2 ? n : cached_fibonacci(n - 1) + cached_fibonacci(n - 2);
}

int countdown(int n, int depth);
int cached_countdown(int n, int depth) {
  return the_memory->cache("countdown", countdown, {.version = "1", .ignore = {1}})(n, depth);
}
int countdown(int n, int depth) { return depth == 0 ? n : cached_countdown(n, depth - 1) + 1; }

}  // namespace

TEST_CASE("of many threads that miss at once one computes, and the others get its result") {
  const scratch_dir dir;
  numbers().computed = 0;
  const memory mem(dir / "cache");
  const auto f = mem.cache("counted", counted_call, {.version = "1"});
  constexpr int k_threads = 16, k_keys = 50;
  std::atomic<int> wrong = 0, computed = 0, loaded = 0;
  {
    std::barrier start(k_threads);
    std::vector<std::jthread> threads;
    for (int t = 0; t < k_threads; ++t) {
      threads.emplace_back([&] {
        for (int key = 0; key < k_keys; ++key) {
          start.arrive_and_wait();
          const auto r = f.evaluate(key);
          wrong += r.value != 2 * key;
          (r.how == outcome::computed ? computed : loaded) += 1;
        }
      });
    }
  }
  CHECK(wrong == 0);
  CHECK(numbers().computed == k_keys);
  CHECK(computed == k_keys);
  CHECK(loaded == (k_threads - 1) * k_keys);
}

TEST_CASE("of many processes that miss at once one computes, and the others get its result") {
  const scratch_dir dir;
  numbers().computed = 0;
  process_signal start;
  {
    std::vector<child_process> children;
    for (int c = 0; c < 8; ++c) {
      children.emplace_back([&] {
        const auto f = memory(dir / "cache").cache("counted", counted_call, {.version = "1"});
        start.wait();
        for (int key = 0; key < 100; ++key) {
          if (f(key) != 2 * key) return 1;
        }
        return 0;
      });
    }
    for (std::size_t c = 0; c < children.size(); ++c) start.post();
    for (auto& child : children) CHECK(child.wait() == 0);
  }
  CHECK(numbers().computed == 100);
}

TEST_CASE("who waits for a process that is killed takes over at once") {
  const scratch_dir dir;
  stage on;
  the_stage = &on;
  numbers().computed = 0;
  const auto f = memory(dir / "cache").cache("staged", staged, {.version = "1"});
  const auto call = [&] { return f.evaluate(4).value == 8 ? 0 : 1; };
  child_process owner(call);
  on.entered.wait();
  std::vector<child_process> waiters;
  for (int i = 0; i < 5; ++i) waiters.emplace_back(call);
  await_waiters(dir / "cache", 5);
  CHECK(numbers().computed == 1);
  CHECK(owner.kill() == -SIGKILL);
  on.entered.wait();  // one of them; the others wait for it
  CHECK(numbers().computed == 2);
  on.leave.post();
  for (auto& waiter : waiters) CHECK(waiter.wait() == 0);
  CHECK(numbers().computed == 2);
  CHECK(f.evaluate(4).how == outcome::hit);
}

TEST_CASE("who waited says so, and is counted, however long it may wait") {
  const scratch_dir dir;
  stage on;
  the_stage = &on;
  const auto check = [&](const std::string& name, const larder::memory_options& options) {
    const memory mem(dir / name, options);
    const auto f = mem.cache("staged", staged, {.version = "1"});
    child_process owner([&] { return f(4) == 8 ? 0 : 1; });
    on.entered.wait();
    outcome how{};
    {
      const std::jthread waiter([&] { how = f.evaluate(4).how; });
      await_waiters(dir / name, 1);
      on.leave.post();
    }
    CHECK(how == outcome::waited);
    CHECK(mem.stats().waits == 1);
    CHECK(mem.stats().hits == 1);
    CHECK(mem.stats().misses == 0);
    CHECK(owner.wait() == 0);
  };
  check("without", {});
  check("longest", {.wait_limit = std::chrono::nanoseconds::max()});
}

TEST_CASE("when the call that others wait for throws, one of them computes") {
  const scratch_dir dir;
  stage on;
  the_stage = &on;
  numbers().computed = 0;
  const auto f = memory(dir / "cache").cache("staged", staged, {.version = "1"});
  std::atomic<int> thrown = 0;
  const auto call = [&] { thrown += throws(f, -1); };
  {
    const std::jthread owner(call);
    on.entered.wait();
    const std::jthread waiter(call);
    await_waiters(dir / "cache", 1);
    on.leave.post();
    on.entered.wait();
    on.leave.post();
  }
  CHECK(thrown == 2);
  CHECK(numbers().computed == 2);
}

TEST_CASE("where waiting is not wanted, or lasts too long, a call computes too") {
  const scratch_dir dir;
  stage on;
  the_stage = &on;
  const auto both_compute = [&](const larder::memory_options& memory_options,
                                const larder::cache_options& options) {
    const auto f = memory(dir / "cache", memory_options).cache("staged", staged, options);
    child_process owner([&] { return f(4) == 8 ? 0 : 1; });
    on.entered.wait();
    outcome how{};
    std::jthread parent([&] { how = f.evaluate(4).how; });
    on.entered.wait();  // the parent, beside the child
    on.leave.post();
    on.leave.post();
    parent.join();
    CHECK(how == outcome::computed);
    CHECK(owner.wait() == 0);
    f.clear();
  };
  both_compute({.on_busy = on_busy::compute}, {.version = "1"});
  both_compute({}, {.version = "1", .on_busy = on_busy::compute});
  both_compute({.wait_limit = std::chrono::milliseconds(20)}, {.version = "1"});
}

TEST_CASE("a hit after a miss is a hit, and is not kept waiting by whoever computes the entry anew") {
  const scratch_dir dir;
  stage on;
  the_stage = &on;
  const memory mem(dir / "cache");
  const auto f = mem.cache("staged", staged, {.version = "1"});
  for (const int x : {3, 4}) {
    on.leave.post();
    f(x);
    on.entered.wait();
  }
  CHECK(f.evaluate(3).how == outcome::hit);
  on.leave.post();
  f(5);  // a miss, after which one more is expected
  on.entered.wait();

  const auto refusing = mem.cache(
      "staged", staged, {.version = "1", .cache_validation_callback = [](const auto&) { return false; }});
  std::jthread owner([&] { refusing(4); });
  on.entered.wait();
  CHECK(f.evaluate(4).how == outcome::hit);
  CHECK(mem.stats().waits == 0);
  on.leave.post();
}

TEST_CASE("a callback is asked without the lock of its key, also after a miss") {
  const scratch_dir dir;
  const memory mem(dir / "cache");
  calls = 0;
  static const decltype(mem.cache("ramp", ramp))* other = nullptr;
  const auto refusing = mem.cache(
      "ramp", ramp, {.version = "1", .cache_validation_callback = [](const auto&) { return false; }});
  const auto asking = mem.cache("ramp", ramp, {.version = "1", .cache_validation_callback = [](const auto&) {
                                                 // Another thread computes the same key meanwhile.
                                                 std::jthread([] { (*other)(1); }).join();
                                                 return true;
                                               }});
  other = &refusing;
  asking(1);
  asking(2);  // a miss, after which one more is expected
  CHECK(asking.evaluate(1).how == outcome::hit);
  CHECK(calls == 3);
}

TEST_CASE("a refused result is never returned, while stores of other functions fail and succeed") {
  const scratch_dir dir;
  const captured_log log;
  const memory mem(dir / "cache");
  static std::atomic<int> generation = 0;
  const auto f = mem.cache("generation",
                           [](int) {
                             larder::array<int> numbers({4096});  // comes mapped
                             numbers.fill(generation);
                             return numbers;
                           },
                           {.version = "1", .cache_validation_callback = [](const auto&) { return false; }});
  const auto fine = mem.cache("counted", counted_call, {.version = "1"});
  const auto failing = mem.cache("failing", counted_call, {.version = "1"});
  std::filesystem::create_directories(dir / "cache" / "failing");
  std::ofstream(dir / "cache" / "failing" / "v-1") << "in the way";
  std::atomic<bool> done = false;
  std::jthread others([&] {
    for (int i = 0; !done; ++i) {
      failing(i);
      fine(i);
    }
  });
  int wrong = 0;
  for (int i = 0; i < 3000; ++i) {
    ++generation;
    wrong += f(1)(0) != generation;
  }
  done = true;
  CHECK(wrong == 0);
}

TEST_CASE("a cache whose directory is put aside while it is in use soon computes each result once again") {
  const scratch_dir dir;
  const memory mem(dir / "cache");
  const auto f = mem.cache("counted", counted_call, {.version = "1"});
  f(0);
  std::filesystem::rename(dir / "cache", dir / "aside");
  int key = 0;
  const auto computed_once = [&] {
    numbers().computed = 0;
    ++key;
    constexpr int k_threads = 4;
    std::barrier start(k_threads);
    std::vector<std::jthread> threads;
    for (int t = 0; t < k_threads; ++t) {
      threads.emplace_back([&] {
        start.arrive_and_wait();
        f(key);
      });
    }
    threads.clear();
    return numbers().computed == 1;
  };
  // For the tenth of a second, in which they may still have the lock file that was put aside.
  const auto renamed = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - renamed < std::chrono::milliseconds(110)) computed_once();
  for (int i = 0; i < 50; ++i) CHECK(computed_once());
}

TEST_CASE("memories keep few descriptors between them") {
  const auto descriptors = [] {
    std::ptrdiff_t count = 0;
    for (const auto& each : std::filesystem::directory_iterator("/proc/self/fd")) count += each.exists();
    return count;
  };
  const scratch_dir dir;
  const auto before = descriptors();
  {
    std::vector<memory> memories;
    for (int i = 0; i < 50; ++i) {
      memories.emplace_back(dir / std::to_string(i));
      CHECK(memories.back().cache("counted", counted_call, {.version = "1"})(i) == 2 * i);
    }
    CHECK(descriptors() <= before + 16);
  }
  CHECK(descriptors() <= before);
}

// The sanitizer of undefined behaviour looks at memory by way of a pipe, and takes what it cannot look at for a fault.
#if !LARDER_TEST_ADDRESS_SANITIZER
TEST_CASE("where there is no descriptor left, a memory closes what it keeps") {
  const scratch_dir dir;
  child_process scarce([&] {
    const memory mem(dir / "scarce");
    const auto f = mem.cache("counted", counted_call, {.version = "1"});
    f(1);
    const std::ptrdiff_t left = 40;
    const ::rlimit limit{static_cast<rlim_t>(left), static_cast<rlim_t>(left)};
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return 1;
    while (::open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0) {
    }
    return f.evaluate(1).how == outcome::hit && mem.stats().hits == 1 ? 0 : 2;
  });
  CHECK(scarce.wait() == 0);
}
#endif

TEST_CASE("a cache whose directory is removed while it is in use still computes each result once") {
  const scratch_dir dir;
  numbers().computed = 0;
  const memory mem(dir / "cache");
  const auto f = mem.cache("counted", counted_call, {.version = "1"});
  f(0);
  f(1);
  std::filesystem::remove_all(dir / "cache");
  {
    // Others make it anew, with another lock file.
    stage on;
    the_stage = &on;
    child_process other(
        [&] { return memory(dir / "cache").cache("staged", staged, {.version = "1"})(2) == 4 ? 0 : 1; });
    on.entered.wait();
    outcome how{};
    {
      const auto same = mem.cache("staged", staged, {.version = "1"});
      const std::jthread waiter([&] { how = same.evaluate(2).how; });
      await_waiters(dir / "cache", 1);
      on.leave.post();
    }
    CHECK(how == outcome::waited);
    CHECK(other.wait() == 0);
  }
  CHECK(f.evaluate(0).how == outcome::computed);
  CHECK(f.evaluate(0).how == outcome::hit);
}

TEST_CASE("a cached function that calls itself works") {
  const scratch_dir dir;
  memory mem(dir / "cache");
  the_memory = &mem;
  calls = 0;
  CHECK(cached_fibonacci(20) == 6765);
  CHECK(calls == 21);
  // Also with the same key, which only ignored arguments tell apart: it does not wait for itself.
  CHECK(cached_countdown(5, 3) == 8);
}

TEST_CASE("forks in and around cached calls are safe") {
  const scratch_dir dir;
  stage on;
  the_stage = &on;
  const memory mem(dir / "cache");
  const auto f = mem.cache("staged", staged, {.version = "1"});
  const auto counted = mem.cache("counted", counted_call, {.version = "1"});

  SECTION("a child that lives on does not hold what its parent computes") {
    std::atomic<int> thrown = 0;
    const auto call = [&] { thrown += throws(f, -1); };
    process_signal end;
    std::jthread owner(call);
    on.entered.wait();
    child_process child([&] {
      end.wait();
      return 0;
    });
    on.leave.post();
    owner.join();
    // The key is free again, though the child is there.
    std::jthread again(call);
    on.entered.wait();
    on.leave.post();
    again.join();
    CHECK(thrown == 2);
    end.post();
    CHECK(child.wait() == 0);
  }
  SECTION("a function may fork, and parent and child may call what they like") {
    static const decltype(counted)* inner = nullptr;
    inner = &counted;
    const auto forking = mem.cache("forking",
                                   [](int x) {
                                     child_process child([x] { return (*inner)(x) == 2 * x ? 0 : 1; });
                                     const int mine = (*inner)(x);
                                     return child.wait() == 0 ? mine : -1;
                                   },
                                   {.version = "1"});
    CHECK(forking(21) == 42);
    CHECK(forking.evaluate(21).how == outcome::hit);
  }
  SECTION("a child may return from the function that its parent is in, too") {
    // As a fork backend within a cached function does: both go on, and both store.
    const auto forking = mem.cache("twofold",
                                   [](int x) {
                                     const pid_t child = ::fork();
                                     if (child != 0) {
                                       int status = 0;
                                       ::waitpid(child, &status, 0);
                                       return WIFEXITED(status) && WEXITSTATUS(status) == 5 ? x : -1;
                                     }
                                     return x;
                                   },
                                   {.version = "1"});
    const pid_t self = ::getpid();
    const int result = forking(7);
    if (::getpid() != self) ::_exit(result == 7 ? 5 : 6);
    CHECK(result == 7);
  }
}

#if LARDER_TEST_FORK_BESIDE_THREADS
TEST_CASE("forks beside threads that are at it are safe") {
  const scratch_dir dir;
  const memory mem(dir / "cache");
  const auto counted = mem.cache("counted", counted_call, {.version = "1"});

  SECTION("a child may log while threads of its parent are at it") {
    const captured_log log;
    const auto loud = memory(dir / "loud", {.verbose = 2}).cache("counted", counted_call, {.version = "1"});
    loud(1);
    std::atomic<bool> done = false;
    std::vector<std::jthread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&] {
        while (!done) larder::set_log_hook(larder::set_log_hook({}));
      });
    }
    int failed = 0;
    for (int i = 0; i < 200; ++i) {
      larder::set_log_hook([](larder::log_level, std::string_view) {});
      child_process child([&] { return loud(1) == 2 ? 0 : 1; });
      failed += child.wait() != 0;
    }
    done = true;
    CHECK(failed == 0);
  }
  SECTION("many threads fork and call at once") {
    std::atomic<int> wrong = 0;
    {
      std::vector<std::jthread> threads;
      for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
          for (int i = 0; i < 25; ++i) {
            child_process child([&] { return counted(1000 * t + i) == 2 * (1000 * t + i) ? 0 : 1; });
            wrong += counted(i) != 2 * i;
            wrong += child.wait() != 0;
          }
        });
      }
    }
    CHECK(wrong == 0);
  }
}
#endif

TEST_CASE("cached functions within nested maps do not deadlock") {
  const scratch_dir dir;
  const memory mem(dir / "cache");
  static const memory* shared = nullptr;
  shared = &mem;
  const auto outer =
      mem.cache("outer",
                [](int x) {
                  const auto inner = shared->cache("counted", counted_call, {.version = "1"});
                  int sum = 0;
                  for (const int each : larder::parallel({.n_jobs = 4}).map(std::vector{1, 2, 3, x}, inner))
                    sum += each;
                  return sum;
                },
                {.version = "1"});
  const std::vector<int> xs = {1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8};
  const auto all = larder::parallel({.n_jobs = 4}).map(xs, outer);
  for (std::size_t i = 0; i < xs.size(); ++i) CHECK(all[i] == 12 + 2 * xs[i]);
}
