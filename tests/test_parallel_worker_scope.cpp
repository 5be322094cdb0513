// What a thread does before the first task of a call and after the last.

#include <larder/detail/parallel_settings.hpp>
#include <larder/parallel_config.hpp>
#include <larder/parallel_options.hpp>

#include <dlfcn.h>

#include <atomic>
#include <stdexcept>
#include <thread>

#include "parallel/worker_setup.hpp"
#include "src/team.hpp"
#include "tests/catch.hpp"
#include "tests/child_process.hpp"

using larder::detail::resolve;
using larder::detail::worker_kind;
using larder::detail::worker_scope;

namespace {

// A BLAS library, as far as it is looked for. The linker is told to export it.
int blas_threads = 0;

template <class Function>
Function* symbol(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_DEFAULT, name));
}

void take_part(const larder::detail::parallel_settings& settings, worker_kind kind = worker_kind::thread) {
  const worker_scope scope(settings, kind);
}

}  // namespace

extern "C" void openblas_set_num_threads(int threads) { blas_threads = threads; }

TEST_CASE("initializer: runs once in each thread for each pool", "[parallel]") {
  std::atomic<int> calls = 0;
  const larder::parallel_options options{.initializer = [&] { ++calls; }};
  const auto one = resolve(options);
  const auto copy = one;  // of the same pool
  const auto other = resolve(options);
  CHECK(calls == 0);
  take_part(one);
  take_part(one);
  take_part(copy);
  CHECK(calls == 1);
  take_part(other);
  CHECK(calls == 2);
  for (int repeat = 3; repeat < 6; ++repeat) {
    std::thread([&] {
      take_part(one);
      take_part(one);
    }).join();
    CHECK(calls == repeat);  // also where the system uses a thread's number again
  }
}

TEST_CASE("initializer: what it throws passes through, and it runs again", "[parallel]") {
  int calls = 0;
  const auto settings = resolve({.initializer = [&] {
    if (++calls == 1) throw std::out_of_range("not yet");
  }});
  CHECK_THROWS_AS(take_part(settings), std::out_of_range);
  take_part(settings);
  take_part(settings);
  CHECK(calls == 2);
}

TEST_CASE("initializer: a call of the pool within it does not run it again", "[parallel]") {
  int calls = 0;
  larder::detail::parallel_settings settings;
  settings = resolve({.initializer = [&] {
    ++calls;
    take_part(settings);
  }});
  take_part(settings);
  CHECK(calls == 1);
}

TEST_CASE("initializer: runs in a worker process, although the process that forked it had it",
          "[parallel][fork]") {
  int calls = 0;
  const auto settings = resolve({.initializer = [&] { ++calls; }});
  take_part(settings);
  REQUIRE(calls == 1);
  child_process worker([&] {
    take_part(settings, worker_kind::own_process);
    if (calls != 2) return 1;
    take_part(settings);  // a call of a task's own
    return calls == 2 ? 0 : 2;
  });
  CHECK(worker.wait() == 0);
}

TEST_CASE("worker_scope: tasks do not see the configuration of who called", "[parallel]") {
  const larder::parallel_config config({.n_jobs = 77});
  const auto settings = resolve({});
  {
    const worker_scope scope(settings, worker_kind::thread);
    CHECK(resolve({}).workers != 77);
    const larder::parallel_config own({.n_jobs = 78});
    CHECK(resolve({}).workers == 78);
  }
  CHECK(resolve({}).workers == 77);
}

TEST_CASE("worker_scope: calls within tasks use as many threads as they may", "[parallel]") {
  const auto within = [](const larder::parallel_options& options, worker_kind kind) {
    const auto settings = resolve(options);
    const worker_scope scope(settings, kind);
    return larder::detail::nested_allowance();
  };
  const unsigned before = larder::detail::nested_allowance();
  CHECK(within({.n_jobs = 1}, worker_kind::thread) == before);
  for (const auto kind : {worker_kind::thread, worker_kind::own_process}) {
    CHECK(within({.n_jobs = 2}, kind) == 1);
    CHECK(within({.n_jobs = 2, .inner_threads = 3}, kind) == 3);
    CHECK(within({.n_jobs = 1, .inner_threads = 3}, kind) == 3);
  }
  CHECK(larder::detail::nested_allowance() == before);
}

TEST_CASE("worker_scope: OpenMP in tasks uses a worker's share of the processors", "[parallel]") {
  if (::dlopen("libgomp.so.1", RTLD_NOW | RTLD_GLOBAL) == nullptr) {
    WARN("no OpenMP here: " << ::dlerror());
    return;
  }
  auto* const set = symbol<void(int)>("omp_set_num_threads");
  auto* const get = symbol<int()>("omp_get_max_threads");
  REQUIRE(set != nullptr);
  REQUIRE(get != nullptr);
  const auto within = [&](const larder::parallel_options& options) {
    const auto settings = resolve(options);
    const worker_scope scope(settings, worker_kind::thread);
    return get();
  };
  const int before = get();
  set(64);
  CHECK(within({.n_jobs = 100'000}) == 1);
  CHECK(get() == 64);
  CHECK(within({.n_jobs = 1}) == 64);  // has the machine to itself
  CHECK(within({.n_jobs = 2, .inner_threads = 3}) == 3);
  CHECK(within({.n_jobs = 2, .inner_threads = 100}) == 100);  // asked for, also where it is more
  {
    // Where the parent has threads, OpenMP may wait for them in a child for ever.
    auto settings = resolve({.n_jobs = 2, .allow_threads = true});
    settings.thread_limit = 4;  // as on a larger machine
    {
      const worker_scope scope(settings, worker_kind::thread);
      CHECK(get() == 4);
    }
    const worker_scope scope(settings, worker_kind::own_process);
    CHECK(get() == 1);
  }
  CHECK(get() == 64);
  const auto elsewhere = [&] {
    int threads = 0;
    std::thread([&] { threads = get(); }).join();
    return threads;
  };
  const int elsewhere_before = elsewhere();
  {
    const auto settings = resolve({.n_jobs = 2, .inner_threads = 5});
    const worker_scope outer(settings, worker_kind::thread);
    CHECK(within({.n_jobs = 100'000}) == 1);
    CHECK(get() == 5);
    CHECK(elsewhere() == elsewhere_before);  // of this thread alone
  }
  CHECK(get() == 64);
  set(1);
  CHECK(within({.n_jobs = 2}) == 1);  // never more than it was
  set(before);
}

TEST_CASE("worker_scope: BLAS is limited in processes that are workers, and there alone", "[parallel]") {
  const auto settings = resolve({.n_jobs = 2, .inner_threads = 3});
  if (symbol<void(int)>("openblas_set_num_threads") != &openblas_set_num_threads) {
    WARN("the tests' stand-in for a BLAS library is not the one that is found");
    return;
  }
  blas_threads = 0;
  take_part(settings);
  CHECK(blas_threads == 0);
  take_part(settings, worker_kind::own_process);
  CHECK(blas_threads == 3);
}
