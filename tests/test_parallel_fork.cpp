#include <larder/parallel.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <forward_list>
#include <fstream>
#include <iostream>
#include <iterator>
#include <latch>
#include <map>
#include <memory>
#include <new>
#include <numeric>
#include <optional>
#include <ranges>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <larder/array.hpp>
#include <larder/error.hpp>
#include <larder/fields.hpp>
#include <larder/memory.hpp>

#include "src/team.hpp"
#include "tests/cached_functions.hpp"
#include "tests/catch.hpp"
#include "tests/child_process.hpp"
#include "tests/pools.hpp"
#include "tests/scratch_dir.hpp"

using namespace std::chrono_literals;
using larder::backend;
using larder::parallel;

namespace {

parallel fork_pool(larder::parallel_options options = {}) {
  if (!options.n_jobs) options.n_jobs = 2;
  return parallel(on(backend::fork, std::move(options)));
}

auto numbers(int count) { return std::views::iota(0, count); }

/// How a worker ends without returning. Catch2's own handlers would report the signal as this test's failure.
void die_of(int signal) {
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& each : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

bool has_children() {
  siginfo_t info{};
  return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

template <class E, class Call>
std::optional<E> caught(Call call) {
  try {
    call();
  } catch (const E& e) {
    return e;
  }
  return std::nullopt;
}

/// Runs a map whose one task throws by `fail`, and returns what arrives if it is exactly of this type.
template <class E, class Fail>
std::optional<E> arrives(Fail fail) {
  try {
    fork_pool().map(numbers(1), [&](int) { fail(); });
  } catch (const E& e) {
    if (typeid(e) == typeid(E)) return e;
    FAIL("arrived as " << typeid(e).name());
  }
  return std::nullopt;
}

template <class E>
bool keeps_text(const char* text) {
  const auto e = arrives<E>([&] { throw E(text); });
  return e && std::string_view(e->what()) == text;
}

template <class E>
bool keeps_type() {
  return arrives<E>([] { throw E(); }).has_value();
}

struct point {
  int x = 0;
  double y = 0;
  LARDER_FIELDS(x, y)
  bool operator==(const point&) const = default;
};

struct table {
  std::string name;
  larder::array<const double> large;
  larder::array<double> writable;
  larder::array<const double> same_again;
  std::vector<double> column;
  LARDER_FIELDS(name, large, writable, same_again, column)
};

struct unstored {
  void* pointer;
};

enum class colour { red, green };

larder::array<double> filled(std::size_t count, double value) {
  larder::array<double> a({count});
  a.fill(value);
  return a;
}

struct derived_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct plain_failure {};

}  // namespace

TEST_CASE("fork: results come in order, of closures that refer to the caller's memory", "[parallel][fork]") {
  std::vector<int> inputs(1000);
  std::iota(inputs.begin(), inputs.end(), 7);
  int offset = 3;
  const auto pid = ::getpid();
  const auto results = fork_pool().map(inputs, [&](int i) {
    offset += 1000;  // the child's own
    return std::pair(i + 3, ::getpid() != pid);
  });
  for (int i = 0; i < 1000; ++i) {
    REQUIRE(results[static_cast<std::size_t>(i)] == std::pair(i + 10, true));
  }
  CHECK(offset == 3);
}

TEST_CASE("fork: results of all kinds", "[parallel][fork]") {
  const auto pool = fork_pool();
  CHECK(pool.map(numbers(3), [](int i) { return i % 2 == 0; }) == std::vector{true, false, true});
  CHECK(pool.map(numbers(2), [](int i) { return static_cast<colour>(i); }) ==
        std::vector{colour::red, colour::green});
  CHECK(pool.map(numbers(2), [](int i) { return std::string(100'000, static_cast<char>('a' + i)); }) ==
        std::vector{std::string(100'000, 'a'), std::string(100'000, 'b')});
  CHECK(pool.map(numbers(2), [](int i) {
    return std::map<int, std::string>{{i, "x"}};
  }) == std::vector<std::map<int, std::string>>{{{0, "x"}}, {{1, "x"}}});
  CHECK(pool.map(numbers(2), [](int i) {
    return point{i, 0.5};
  }) == std::vector{point{0, 0.5}, point{1, 0.5}});
  CHECK(pool.map(numbers(2), [](int i) {
    return std::vector<int>(static_cast<std::size_t>(i) * 1'000'000, i);
  }) == std::vector{std::vector<int>(), std::vector<int>(1'000'000, 1)});
  CHECK(*pool.map(numbers(2), [](int i) { return std::make_unique<int>(i); })[1] == 1);
  pool.map(numbers(2), [](int) {});
  CHECK(pool.map(numbers(0), [](int i) { return i; }).empty());
  CHECK(pool.map(std::forward_list{1, 2, 3}, [](int i) { return 2 * i; }) == std::vector{2, 4, 6});
}

TEST_CASE("fork: large arrays come as mappings, small ones as copies", "[parallel][fork]") {
  const auto pool = fork_pool({.max_nbytes = "100K"});
  constexpr std::size_t k_large = 100'000;
  for (const std::size_t count : {std::size_t{0}, std::size_t{10}, std::size_t{11'000}, k_large}) {
    const bool is_large = count * sizeof(double) > 102'400;
    auto writable = pool.map(numbers(4), [&](int i) { return filled(count, i); });
    auto constant =
        pool.map(numbers(4), [&](int i) -> larder::array<const double> { return filled(count, i); });
    for (std::size_t i = 0; i < 4; ++i) {
      CHECK(writable[i].is_mapped() == is_large);
      CHECK(constant[i].is_mapped() == is_large);
      CHECK(std::ranges::count(writable[i].flat(), static_cast<double>(i)) ==
            static_cast<std::ptrdiff_t>(count));
      CHECK(std::ranges::equal(constant[i].flat(), writable[i].flat()));
      writable[i].fill(9);
    }
    if (!is_large) continue;
    CHECK(writable[0].origin()->mode == larder::mmap_mode::copy_on_write);
    CHECK(constant[0].origin()->mode == larder::mmap_mode::read);
    // What is left is what it was, when its neighbours have gone.
    constant.erase(constant.begin(), constant.begin() + 2);
    CHECK(std::ranges::count(constant[1].flat(), 3) == static_cast<std::ptrdiff_t>(count));
  }
}

TEST_CASE("fork: a read-only result cannot be written to", "[parallel][fork]") {
  const auto results = fork_pool({.max_nbytes = 0}).map(numbers(2), [](int i) -> larder::array<const double> {
    return filled(1000, i);
  });
  child_process writer([&] {
    std::signal(SIGSEGV, SIG_DFL);
    const_cast<double&>(results[0](0)) = 1;
    return 0;
  });
  const int end = writer.wait();
#if defined(__SANITIZE_ADDRESS__)
  CHECK(end != 0);
#else
  CHECK(end == -SIGSEGV);
#endif
}

TEST_CASE(
    "fork: mapped results stay whole in children of fork when the parent lets go, and the other way round",
    "[parallel][fork]") {
  const auto pool = fork_pool({.max_nbytes = 0});
  const auto make = [](int i) -> larder::array<const double> { return filled(100'000, i + 1); };
  auto results = pool.map(numbers(2), make);
  const process_signal dropped;
  child_process holder([&] {
    dropped.wait();
    return std::ranges::count(results[0].flat(), 1) == 100'000 ? 0 : 1;
  });
  results.erase(results.begin());
  dropped.post();
  CHECK(holder.wait() == 0);

  child_process dropper([&] {
    results.clear();
    return 0;
  });
  CHECK(dropper.wait() == 0);
  CHECK(std::ranges::count(results[0].flat(), 2) == 100'000);
}

TEST_CASE("fork: views and column-major arrays keep their elements and their order", "[parallel][fork]") {
  for (const char* limit : {"1K", "none"}) {
    const auto results = fork_pool({.max_nbytes = limit}).map(numbers(2), [](int i) {
      larder::array<int> a({300, 400});
      for (int n = 0; n < 300 * 400; ++n) a.flat()[static_cast<std::size_t>(n)] = n;
      return i == 0 ? a.transpose() : a.slice(1, 0, 400, 3);
    });
    CHECK(results[0].transpose().is_contiguous());
    CHECK(results[0](399, 299) == 300 * 400 - 1);
    CHECK(results[1].shape(1) == 134);
    CHECK(results[1](299, 133) == 299 * 400 + 399);
  }
}

TEST_CASE("fork: arrays within objects are mapped, and those that were one stay one", "[parallel][fork]") {
  const auto results = fork_pool({.max_nbytes = "100K"}).map(numbers(2), [](int i) {
    larder::array<double> a = filled(50'000, i);
    return table{"t" + std::to_string(i), a, filled(50'000, -i), a, std::vector<double>(50'000, 0.5)};
  });
  for (std::size_t i = 0; i < 2; ++i) {
    const table& t = results[i];
    CHECK(t.name == "t" + std::to_string(i));
    CHECK(t.large.is_mapped());
    CHECK(t.large.data() == t.same_again.data());
    CHECK(t.writable.is_mapped());
    CHECK(t.large(49'999) == static_cast<double>(i));
    CHECK(t.writable(49'999) == -static_cast<double>(i));
    CHECK(t.column == std::vector<double>(50'000, 0.5));
  }
}

TEST_CASE("fork: statistics count tasks, and bytes by how they came", "[parallel][fork]") {
  const auto [results, stats] = fork_pool({.max_nbytes = "1M"}).map_with_stats(numbers(4), [](int i) {
    return filled(i == 0 ? 1'000'000 : 1'000, i);
  });
  CHECK(stats.tasks == 4);
  CHECK(stats.batches >= 2);
  CHECK(stats.bytes_mapped == 8'000'000);
  CHECK(stats.bytes_copied == 3 * 8'000);
  CHECK(stats.worker_seconds.size() == 2);
  CHECK(stats.seconds > 0);
}

TEST_CASE("fork: results that cannot travel are refused before anything is forked", "[parallel][fork]") {
  const scratch_dir dir;
  const auto leave_trace = [&](int) {
    std::ofstream(dir / "ran");
    return unstored{nullptr};
  };
  CHECK_THROWS_AS(fork_pool().map(numbers(3), leave_trace), larder::not_shippable);
  CHECK_THROWS_AS(fork_pool().map(std::forward_list{1, 2}, leave_trace), larder::not_shippable);
  CHECK(dir.names().empty());
}

TEST_CASE("fork: exceptions of the standard keep their types", "[parallel][fork]") {
  CHECK(keeps_text<std::runtime_error>("a text"));
  CHECK(keeps_text<std::logic_error>("a text"));
  CHECK(keeps_text<std::invalid_argument>("a text"));
  CHECK(keeps_text<std::domain_error>("a text"));
  CHECK(keeps_text<std::length_error>("a text"));
  CHECK(keeps_text<std::out_of_range>("a text"));
  CHECK(keeps_text<std::range_error>("a text"));
  CHECK(keeps_text<std::overflow_error>("a text"));
  CHECK(keeps_text<std::underflow_error>("a text"));
  CHECK(keeps_type<std::bad_alloc>());
  CHECK(keeps_type<std::bad_array_new_length>());
  CHECK(keeps_type<std::bad_cast>());
  CHECK(keeps_type<std::bad_optional_access>());
  CHECK(keeps_type<std::bad_variant_access>());
  CHECK(keeps_type<std::bad_function_call>());

  const auto with_text =
      arrives<std::system_error>([] { throw std::system_error(ENOENT, std::generic_category(), "here"); });
  REQUIRE(with_text);
  CHECK(with_text->code() == std::errc::no_such_file_or_directory);
  CHECK(with_text->what() == std::string("here: No such file or directory"));
  const auto bare =
      arrives<std::system_error>([] { throw std::system_error(EPERM, std::system_category()); });
  REQUIRE(bare);
  CHECK(bare->code() == std::error_code(EPERM, std::system_category()));
  CHECK(bare->what() == std::string("Operation not permitted"));

  using std::filesystem::filesystem_error;
  const auto two = arrives<filesystem_error>([] { std::filesystem::rename("/nowhere/a", "/nowhere/b"); });
  REQUIRE(two);
  const auto here = caught<filesystem_error>([] { std::filesystem::rename("/nowhere/a", "/nowhere/b"); });
  CHECK(two->what() == std::string(here->what()));
  CHECK(two->path1() == "/nowhere/a");
  CHECK(two->path2() == "/nowhere/b");

  const auto read = [] {
    std::ifstream stream("/nowhere/a");
    stream.exceptions(std::ios_base::failbit);
  };
  const auto failure = arrives<std::ios_base::failure>(read);
  REQUIRE(failure);
  CHECK(failure->what() == std::string(caught<std::ios_base::failure>(read)->what()));
}

TEST_CASE("fork: larder's exceptions keep their types and their data", "[parallel][fork]") {
  CHECK(keeps_text<larder::error>("a text"));
  CHECK(keeps_text<larder::value_error>("a text"));
  CHECK(keeps_text<larder::layout_error>("a text"));
  CHECK(keeps_text<larder::not_shippable>("a text"));
  CHECK(keeps_type<larder::task_cancelled>());
  const auto same_text = [](const std::exception& a, const std::exception& b) {
    return std::string_view(a.what()) == b.what();
  };

  const larder::io_error io("p", "cannot open", EACCES);
  const auto io_here = arrives<larder::io_error>([&] { throw io; });
  REQUIRE(io_here);
  CHECK(same_text(*io_here, io));
  CHECK(io_here->path() == "p");
  CHECK(io_here->errno_value() == EACCES);

  const larder::format_error format("p", larder::format_code::bomb, "detail");
  const auto format_here = arrives<larder::format_error>([&] { throw format; });
  REQUIRE(format_here);
  CHECK(same_text(*format_here, format));
  CHECK(format_here->code() == larder::format_code::bomb);
  CHECK(format_here->path() == "p");

  const larder::type_mismatch mismatch("p", "array<f64>", "array<f32>");
  const auto mismatch_here = arrives<larder::type_mismatch>([&] { throw mismatch; });
  REQUIRE(mismatch_here);
  CHECK(same_text(*mismatch_here, mismatch));
  CHECK(mismatch_here->expected() == "array<f64>");
  CHECK(mismatch_here->found() == "array<f32>");

  const larder::timeout_error timeout(5, 0.25);
  const auto timeout_here = arrives<larder::timeout_error>([&] { throw timeout; });
  REQUIRE(timeout_here);
  CHECK(same_text(*timeout_here, timeout));
  CHECK(timeout_here->task() == 5);

  const larder::worker_died died(3, 1234, SIGSEGV, 17);
  const auto died_here = arrives<larder::worker_died>([&] { throw died; });
  REQUIRE(died_here);
  CHECK(same_text(*died_here, died));
  CHECK(died_here->worker() == 3);
  CHECK(died_here->pid() == 1234);
  CHECK(died_here->signal() == SIGSEGV);
  CHECK(died_here->status() == 0);
  CHECK(died_here->task() == 17);

  const larder::task_error task(4, "my::error", "text");
  const auto task_here = arrives<larder::task_error>([&] { throw task; });
  REQUIRE(task_here);
  CHECK(same_text(*task_here, task));
  CHECK(task_here->type() == "my::error");
  CHECK(task_here->task() == 4);
}

TEST_CASE("fork: other exceptions become a task_error that names them", "[parallel][fork]") {
  const auto pool = fork_pool();
  const auto thrown_by = [&](auto fail) {
    return caught<larder::task_error>([&] {
      pool.map(numbers(6), [&](int i) {
        if (i == 4) fail();
      });
    });
  };
  const auto derived = thrown_by([] { throw derived_error("text"); });
  REQUIRE(derived);
  CHECK(derived->task() == 4);
  CHECK_THAT(derived->type(), Catch::Matchers::ContainsSubstring("derived_error"));
  CHECK_THAT(derived->what(),
             Catch::Matchers::ContainsSubstring("task 4") && Catch::Matchers::ContainsSubstring("text"));
  const auto plain = thrown_by([] { throw plain_failure(); });
  REQUIRE(plain);
  CHECK_THAT(plain->type(), Catch::Matchers::ContainsSubstring("plain_failure"));
  CHECK(thrown_by([] { throw 7; })->type() == "int");
  CHECK_THAT(thrown_by([] { throw "a literal"; })->what(), Catch::Matchers::ContainsSubstring("a literal"));
  CHECK(thrown_by([] { throw std::exception(); })->type() == "std::exception");
}

TEST_CASE("fork: the first failure stops the dispatch, and the pool works on", "[parallel][fork]") {
  const scratch_dir dir;
  const auto pool = fork_pool();
  CHECK_THROWS_AS(pool.map(numbers(100),
                           [&](int i) {
                             if (i == 0) throw std::domain_error("first");
                             std::ofstream(dir / std::to_string(i));
                             for (;;) ::pause();  // until it is killed
                           }),
                  std::domain_error);
  CHECK(dir.names().size() <= 1);
  CHECK_FALSE(has_children());
  CHECK(pool.map(numbers(3), [](int i) { return i; }) == std::vector{0, 1, 2});
}

TEST_CASE("fork: a worker that dies is named, with its signal and its task", "[parallel][fork]") {
  const auto died_at_4 = [](auto die, auto range) {
    return caught<larder::worker_died>([&] {
      fork_pool().map(range, [&](int i) {
        if (i == 4) die();
        return i;
      });
    });
  };
  const auto check_all = [&](auto range) {
    for (const int signal : {SIGSEGV, SIGABRT, SIGKILL, SIGTERM}) {
      const auto e = died_at_4([signal] { die_of(signal); }, range);
      REQUIRE(e);
      CHECK(e->signal() == signal);
      CHECK(e->task() == 4);
      CHECK(e->pid() > 0);
      CHECK(e->worker() < 2);
    }
    for (const bool runs_handlers : {false, true}) {
      const auto e = died_at_4([&] { runs_handlers ? std::exit(3) : ::_exit(3); }, range);
      REQUIRE(e);
      CHECK(e->signal() == 0);
      CHECK(e->status() == 3);
      CHECK(e->task() == 4);
    }
  };
  check_all(numbers(6));
  check_all(std::forward_list{0, 1, 2, 3, 4, 5});
  CHECK_FALSE(has_children());
}

TEST_CASE("fork: a worker that cannot have the memory for its results is an error", "[parallel][fork]") {
  child_process limited([] {
    const rlimit limit{1 << 20, 1 << 20};
    ::setrlimit(RLIMIT_FSIZE, &limit);  // holds for memfds, too
    std::signal(SIGXFSZ, SIG_IGN);
    try {
      fork_pool().map(numbers(2), [](int) { return filled(1'000'000, 1); });
    } catch (const larder::io_error& e) {
      return e.errno_value() == EFBIG ? 0 : 1;
    }
    return 2;
  });
  CHECK(limited.wait() == 0);
}

TEST_CASE("fork: a task over its time is killed and named", "[parallel][fork]") {
  const auto check = [](auto range) {
    const auto e = caught<larder::timeout_error>([&] {
      fork_pool({.timeout = 50ms}).map(range, [](int i) {
        while (i == 3) ::pause();
        return i;
      });
    });
    REQUIRE(e);
    CHECK(e->task() == 3);
  };
  check(numbers(6));
  check(std::forward_list{0, 1, 2, 3, 4, 5});
  CHECK_FALSE(has_children());
  CHECK(fork_pool({.timeout = 60s}).map(numbers(100), [](int i) { return i; }).size() == 100);
}

TEST_CASE("fork: tasks are run again whose worker died", "[parallel][fork]") {
  const scratch_dir dir;
  // Each of these tasks kills its worker until it has been begun `deaths` times.
  const auto run = [&](auto range, unsigned deaths, int retries,
                       std::optional<larder::number_or_text> batch_size) {
    for (const auto& name : dir.names()) std::filesystem::remove(dir / name);
    return fork_pool({.batch_size = std::move(batch_size), .max_retries = retries})
        .map_with_stats(range, [&](int i) {
          if (i % 5 == 2) {
            const auto mine = dir / std::to_string(i);
            std::error_code none;
            const auto before = std::filesystem::file_size(mine, none);
            if (none || before < deaths) {
              std::ofstream(mine, std::ios::app).put('x');
              ::raise(SIGKILL);
            }
          }
          return i * i;
        });
  };
  const auto check = [&](auto range, std::optional<larder::number_or_text> batch_size) {
    const auto [results, stats] = run(range, 2, 2, batch_size);
    REQUIRE(results.size() == 20);
    for (int i = 0; i < 20; ++i) CHECK(results[static_cast<std::size_t>(i)] == i * i);
    CHECK(stats.retries == 8);
    CHECK(stats.tasks == 20);
    CHECK_THROWS_AS(run(range, 2, 1, batch_size), larder::worker_died);
  };
  const std::vector<int> list = [] {
    std::vector<int> all(20);
    std::iota(all.begin(), all.end(), 0);
    return all;
  }();
  const std::forward_list<int> lazy(list.begin(), list.end());
  check(list, std::nullopt);
  check(list, 7);
  check(lazy, std::nullopt);
  check(lazy, 7);
  CHECK_FALSE(has_children());
}

#if !defined(__SANITIZE_THREAD__)  // it has a thread of its own, so that all is refused
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

TEST_CASE("fork: nested calls run in the child, and on threads where that is asked for", "[parallel][fork]") {
  const auto inner = [](int i) {
    const auto pid = ::getpid();
    const auto all =
        parallel({.n_jobs = 3}).map(numbers(10), [&](int k) { return std::pair(k + i, ::getpid() == pid); });
    const auto forked =
        parallel(on(backend::fork, {.n_jobs = 3})).map(numbers(10), [&](int k) { return k + i; });
    int sum = 0;
    for (std::size_t k = 0; k < 10; ++k) sum += all[k].second ? all[k].first + forked[k] : -1000;
    return sum;
  };
  CHECK(fork_pool().map(numbers(3), inner) == std::vector{90, 110, 130});
#if !defined(__SANITIZE_THREAD__)  // see test_src_team.cpp
  CHECK(fork_pool({.inner_threads = 2, .allow_threads = true}).map(numbers(3), inner) ==
        std::vector{90, 110, 130});
#endif
}

TEST_CASE("fork: calls within tasks have as many children as inner_threads allows", "[parallel][fork]") {
  const auto inner = [](int) {
    const auto own = ::getpid();
    const parallel pool(on(backend::fork, {.n_jobs = 3, .batch_size = 1}));
    const auto pids = pool.map(numbers(6), [&](int) { return ::getpid(); });
    const std::set<pid_t> different(pids.begin(), pids.end());
    return different.contains(own) ? 1 : 1 + static_cast<int>(different.size());
  };
  CHECK(fork_pool().map(numbers(2), inner) == std::vector{1, 1});
  for (const int children : fork_pool({.inner_threads = 2}).map(numbers(2), inner)) {
    CHECK(children > 1);
    CHECK(children <= 3);
  }
}

TEST_CASE("fork: more workers than tasks, and many cheap tasks", "[parallel][fork]") {
  CHECK(fork_pool({.n_jobs = 7}).map(numbers(3), [](int i) { return i; }) == std::vector{0, 1, 2});
  for (const auto& size :
       {larder::number_or_text("auto"), larder::number_or_text(1), larder::number_or_text(1000)}) {
    const auto results =
        fork_pool({.n_jobs = 3, .batch_size = size}).map(numbers(100'000), [](int i) { return i; });
    REQUIRE(results.size() == 100'000);
    CHECK(std::ranges::is_sorted(results));
    CHECK(results.back() == 99'999);
  }
  const auto texts = fork_pool().map(numbers(100'000), [](int i) { return std::to_string(i); });
  for (std::size_t i = 0; i < texts.size(); ++i) REQUIRE(texts[i] == std::to_string(i));
}

TEST_CASE("fork: imap and submit give results while other tasks run", "[parallel][fork]") {
  const auto pool = fork_pool();
  const process_signal taken;
  // The first batch's second task ends only when the first one's result is here.
  int next = 0;
  for (const int i : fork_pool({.batch_size = 2}).imap(std::vector{0, 1, 2, 3}, [&](int k) {
         if (k == 1) taken.wait();
         return k;
       })) {
    CHECK(i == next++);
    if (i == 0) taken.post();
  }
  CHECK(next == 4);

  auto slow = pool.submit([&] {
    taken.wait();
    return 1;
  });
  auto quick = pool.submit([] { return std::string("quick"); });
  auto third = pool.submit([](int i) { return i; }, 3);
  CHECK(quick.get() == "quick");
  CHECK(third.get() == 3);
  CHECK_FALSE(slow.is_ready());
  taken.post();
  CHECK(slow.get() == 1);
  auto fails = pool.submit([]() -> int { throw std::out_of_range("text"); });
  CHECK_THROWS_AS(fails.get(), std::out_of_range);
}

TEST_CASE("fork: a result is there for who asks again and again without waiting", "[parallel][fork]") {
  auto answer = fork_pool().submit([] { return 42; });
  while (!answer.is_ready()) std::this_thread::yield();
  CHECK(answer.get() == 42);
}

TEST_CASE("fork: a cancelled task is killed, and leaves no child", "[parallel][fork]") {
  const auto pool = fork_pool();
  std::vector<larder::future<int>> all;
  for (int i = 0; i < 4; ++i) {
    all.push_back(pool.submit([] {
      for (;;) ::pause();
      return 0;
    }));
  }
  for (auto& each : all) {
    each.cancel();
    CHECK_THROWS_AS(each.get(), larder::task_cancelled);
  }
  CHECK(pool.submit([] { return 1; }).get() == 1);
}

TEST_CASE("fork: a stream that is dropped leaves no child", "[parallel][fork]") {
  {
    auto stream = fork_pool().imap(std::vector{0, 1, 2, 3}, [](int i) {
      while (i != 0) ::pause();
      return i;
    });
    CHECK(*stream.begin() == 0);
  }
  {
    const auto unwanted = fork_pool().submit([] { ::pause(); });
  }
  CHECK_FALSE(has_children());
}

TEST_CASE("fork: several threads wait for results of one pool", "[parallel][fork]") {
  const auto pool = fork_pool({.allow_threads = true});
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        if (pool.submit([=] { return 100 * t + i; }).get() != 100 * t + i) ++wrong;
      }
    });
  }
  for (auto& each : threads) each.join();
  CHECK(wrong == 0);
}

TEST_CASE("fork: cached functions share their cache", "[parallel][fork]") {
  const scratch_dir dir;
  const larder::memory cache(dir.path());
  const auto cached = cache.cache("ramp", ramp, {.version = "1"});
  const std::vector<int> sizes = {10, 20, 30, 10, 20, 30};
  const auto results = fork_pool().map(sizes, cached);
  CHECK(results[5](29) == 29);
  CHECK(entries_in(dir.path()).size() == 3);
  calls = 0;
  CHECK(cached(20)(19) == 19);
  CHECK(calls == 0);
}

TEST_CASE("fork: what was printed is printed once, and exit handlers run once", "[parallel][fork]") {
  const scratch_dir dir;
  const auto output = dir / "output";
  static std::string other_path;
  other_path = dir / "other";
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
