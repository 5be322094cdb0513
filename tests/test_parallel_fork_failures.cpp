#include <larder/parallel.hpp>

#include <any>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <forward_list>
#include <fstream>
#include <functional>
#include <ios>
#include <new>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <typeinfo>
#include <utility>
#include <variant>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <larder/error.hpp>

#include "tests/catch.hpp"
#include "tests/child_process.hpp"
#include "tests/fork_pool.hpp"
#include "tests/plain_failure.hpp"
#include "tests/processes.hpp"
#include "tests/rising_limit.hpp"
#include "tests/sanitizers.hpp"
#include "tests/scratch_dir.hpp"

using namespace std::chrono_literals;

namespace {

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

struct derived_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace

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
  const auto plain = thrown_by([] { throw plain_failure{0}; });
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
    with_rising_limit(50ms, [&](std::chrono::milliseconds limit) {
      const auto e = caught<larder::timeout_error>([&] {
        fork_pool({.timeout = limit}).map(range, [](int i) {
          while (i == 3) ::pause();
          return i;
        });
      });
      REQUIRE(e);
      return e->task() == 3;
    });
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

// The child's other threads are not for sanitizers, whose allocators fork does not take.
#if !LARDER_TEST_THREAD_SANITIZER && !LARDER_TEST_ADDRESS_SANITIZER
TEST_CASE("fork: beside a thread of the program's no process is forked, however few descriptors there are") {
  child_process child([] {
    const auto pool = fork_pool();
    pool.submit([] { return 1; }).get();  // what it needs is there
    std::thread([] {
      for (;;) ::pause();
    }).detach();
    ::rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = 64;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    std::vector<int> held;
    for (int fd = 0; (fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) held.push_back(fd);
    for (int free = 0; free < 9; ++free) {
      if (caught<larder::error>([&] { pool.submit([] { return 1; }).get(); }) == std::nullopt)
        return 1 + free;
      if (caught<larder::error>([&] { pool.map(numbers(2), [](int i) { return i; }); }) == std::nullopt)
        return 11 + free;
      ::close(held.back());
      held.pop_back();
    }
    return 0;
  });
  CHECK(child.wait() == 0);
}
#endif
