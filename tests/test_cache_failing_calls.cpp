// Each system call that an operation of the cache makes fails in turn, with each fault that it may have. The value is right,
// or the error is named; and the cache goes on working, with nothing half written in it.

#include <larder/memory.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include <larder/error.hpp>
#include <larder/fields.hpp>
#include <larder/inspect.hpp>

#include "tests/cached_functions.hpp"
#include "tests/captured_log.hpp"
#include "tests/catch.hpp"
#include "tests/child_process.hpp"
#include "tests/each_failing_call.hpp"
#include "tests/environment.hpp"
#include "tests/failing_calls.hpp"
#include "tests/scratch_dir.hpp"

namespace fs = std::filesystem;
using Catch::Matchers::ContainsSubstring;
using larder::memory;
using larder::outcome;

namespace failing {

constexpr int k_mapped = 2'500;  // numbers: these come mapped

struct fit {
  int slope = 0;
  larder::array<const double> residuals;
  LARDER_FIELDS(slope, residuals)
};

int twice(int n) { return 2 * n; }
fit fitted(int n) { return {.slope = n, .residuals = ramp(n)}; }
std::vector<char> block(int n) { return std::vector<char>(2'000, static_cast<char>(n)); }
std::vector<int> slow(int n) {
  // From 0.1 s on, an entry is made durable.
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(101);
  while (std::chrono::steady_clock::now() < end) {
  }
  return {n};
}

bool is_right(int value, int n) { return value == twice(n); }
bool is_right(const larder::array<const double>& value, int n) {
  const auto numbers = value.flat();
  return value.size() == static_cast<std::size_t>(n) &&
         std::ranges::all_of(numbers, [i = 0](double each) mutable { return each == i++; });
}
bool is_right(const fit& value, int n) { return value.slope == n && is_right(value.residuals, n); }
bool is_right(const std::vector<char>& value, int n) { return value == block(n); }
bool is_right(const std::vector<int>& value, int n) { return value == std::vector{n}; }

}  // namespace failing

using namespace failing;

namespace {

bool is_entry(const fs::path& path) { return path.filename().string().size() == 30; }

std::uint64_t bytes_in(const fs::path& location) {
  std::uint64_t bytes = 0;
  for (const auto& item : fs::recursive_directory_iterator(location)) {
    if (is_entry(item.path())) bytes += item.file_size();
  }
  return bytes;
}

/// What is done while calls fail, and what has to be so before and afterwards.
struct operation {
  larder::memory_options options{};
  std::function<void(const memory&)> prepare = [](const memory&) {};
  /// Throws nothing but an io_error, if that.
  std::function<void(const memory&)> act{};
  /// Afterwards, without faults. `done`: it did not throw.
  std::function<void(const memory&, bool done)> check = [](const memory&, bool) {};
  std::string always{};        // rules that hold beside the one fault
  std::string which = "each";  // calls that fail
};

/// A temporary file may stay where it could not be removed.
void check_files(const fs::path& location, bool unlink_failed) {
  if (!fs::exists(location)) return;
  for (const auto& item : fs::recursive_directory_iterator(location)) {
    if (item.is_directory()) continue;
    const std::string name = item.path().filename().string();
    CAPTURE(name);
    if (is_entry(item.path())) {
      CHECK_NOTHROW(larder::verify(item.path()));
    } else if (name != ".gitignore" && name != "CACHEDIR.TAG" && name != ".larder-lock") {
      CHECK(unlink_failed);
    }
  }
}

/// How an operation ended.
struct ending {
  bool done = true;
  std::string path{};  // that the error named
  std::string text{};
  std::vector<std::string> failed{};  // "CALL FAULT"
};

ending act(const operation& what, const memory& mem, const std::string& rule) {
  ending end;
  set_failing_calls(what.always + " " + rule);
  try {
    what.act(mem);
  } catch (const larder::io_error& e) {
    end = {.done = false, .path = e.path(), .text = e.what()};
  } catch (...) {
    set_failing_calls("");
    throw;
  }
  end.failed = failed_calls();
  set_failing_calls("");
  return end;
}

/// Runs an operation with one fault. Returns the "CALL FAULT" that were.
std::vector<std::string> run(const operation& what, const std::string& rule) {
  const scratch_dir dir;
  const fs::path location = dir / "cache";
  what.prepare(memory(location, what.options));
  const memory mem(location, what.options);
  const captured_log log;
  const ending end = act(what, mem, rule);
  CAPTURE(log.warnings, end.text);
  for (const std::string& warning : log.warnings) CHECK_THAT(warning, ContainsSubstring(location.string()));
  CHECK((end.done || end.path.starts_with(location.string())));
  const bool unlink_failed =
      std::ranges::any_of(end.failed, [](const std::string& each) { return each.starts_with("unlink "); });
  check_files(location, unlink_failed);
  what.check(mem, end.done);
  check_files(location, unlink_failed);
  return end.failed;
}

void fail_each_call(const operation& what) {
  ::fail_each_call([&what](const std::string& rule) { return run(what, rule); }, what.which);
}

template <auto Function>
auto cached(const memory& mem) {
  return mem.cache("failing", Function, {.version = "1"});
}

/// The result is there and right, or comes to be there.
template <auto Function>
void check_usable(const memory& mem, int n) {
  const auto f = cached<Function>(mem);
  CHECK(is_right(f(n), n));
  const auto again = f.evaluate(n);
  CHECK(again.how == outcome::hit);
  CHECK(is_right(again.value, n));
}

/// In this process, and in one that knows nothing of it.
template <auto Function>
void check_usable_anywhere(const memory& mem, int n, const larder::memory_options& options = {}) {
  check_usable<Function>(mem, n);
  child_process other([&] {
    const auto result = cached<Function>(memory(mem.location(), options)).evaluate(n);
    return result.how == outcome::hit && is_right(result.value, n) ? 0 : 1;
  });
  CHECK(other.wait() == 0);
}

/// A call, with or without its result in the cache, returns it whatever fails.
template <auto Function>
void fail_call(bool is_hit, int n, operation how = {}) {
  if (is_hit) how.prepare = [n](const memory& mem) { cached<Function>(mem)(n); };
  how.act = [n](const memory& mem) { CHECK(is_right(cached<Function>(mem)(n), n)); };
  how.check = [n, options = how.options](const memory& mem, bool done) {
    CHECK(done);
    check_usable_anywhere<Function>(mem, n, options);
  };
  fail_each_call(how);
}

}  // namespace

TEST_CASE("failing calls: an int") { fail_call<twice>(GENERATE(false, true), 21); }
TEST_CASE("failing calls: a mapped array") { fail_call<ramp>(GENERATE(false, true), k_mapped); }
TEST_CASE("failing calls: an object with a mapped array") {
  fail_call<fitted>(GENERATE(false, true), k_mapped);
}
TEST_CASE("failing calls: a compressed object") {
  const environment one("LARDER_MAX_CPUS",
                        "1");  // otherwise quotas are looked up once a second, by calls of their own
  fail_call<fitted>(GENERATE(false, true), k_mapped, {.options = {.compress = 1}});
}
TEST_CASE("failing calls: a cache that a group shares") {
  fail_call<twice>(GENERATE(false, true), 21, {.options = {.group_shared = true}});
}
TEST_CASE("failing calls: without nameless files") {
  fail_call<twice>(false, 21, {.always = "tmpfile:EOPNOTSUPP"});
}
TEST_CASE("failing calls: a result that is made durable") { fail_call<slow>(false, 21, {.which = "fsync"}); }

TEST_CASE("failing calls: a shelved result") {
  fail_each_call({.act =
                      [](const memory& mem) {
                        larder::shelved<larder::array<const double>> later;
                        CHECK_NOTHROW(later = cached<ramp>(mem).call_and_shelve(k_mapped));
                        const auto value = later.get();
                        CHECK(is_right(value, k_mapped));
                      },
                  .check = [](const memory& mem, bool) { check_usable_anywhere<ramp>(mem, k_mapped); }});
}

TEST_CASE("failing calls: a result is stored") {
  const bool over = GENERATE(false, true);
  fail_each_call({.prepare =
                      [over](const memory& mem) {
                        if (over) cached<fitted>(mem)(k_mapped);
                      },
                  .act = [](const memory& mem) { cached<fitted>(mem).store(fitted(k_mapped), k_mapped); },
                  .check =
                      [over](const memory& mem, bool done) {
                        if (done || over) CHECK(cached<fitted>(mem).check_call_in_cache(k_mapped));
                        check_usable_anywhere<fitted>(mem, k_mapped);
                      }});
}

TEST_CASE("failing calls: a result is computed anew") {
  fail_each_call(
      {.prepare = [](const memory& mem) { cached<ramp>(mem)(k_mapped); },
       .act = [](const memory& mem) { CHECK(is_right(cached<ramp>(mem).call(k_mapped), k_mapped)); },
       .check =
           [](const memory& mem, bool done) {
             CHECK(done);
             check_usable_anywhere<ramp>(mem, k_mapped);
           }});
}

TEST_CASE("failing calls: entries are removed") {
  const std::function<void(const memory&)> act = GENERATE(
      as<std::function<void(const memory&)>>(), [](const memory& mem) { cached<twice>(mem).forget(21); },
      [](const memory& mem) { cached<twice>(mem).clear(); }, [](const memory& mem) { mem.clear(); },
      [](const memory& mem) { mem.reduce_size({.items_limit = 0}); });
  fail_each_call({.prepare = [](const memory& mem) { cached<twice>(mem)(21); },
                  .act = act,
                  .check =
                      [](const memory& mem, bool done) {
                        if (done) CHECK_FALSE(cached<twice>(mem).check_call_in_cache(21));
                        check_usable_anywhere<twice>(mem, 21);
                      }});
}

TEST_CASE("failing calls: a store that has to make room") {
  fail_each_call({.options = {.bytes_limit = "18K"},
                  .prepare =
                      [](const memory& mem) {
                        for (int n = 0; n < 8; ++n) cached<block>(mem)(n);
                      },
                  .act = [](const memory& mem) { CHECK(is_right(cached<block>(mem)(100), 100)); },
                  .check =
                      [](const memory& mem, bool done) {
                        CHECK(done);
                        check_usable_anywhere<block>(mem, 100);
                        for (int n = 200; n < 204; ++n) {
                          cached<block>(mem)(n);
                          CHECK(bytes_in(mem.location()) <= 18 * 1024);
                        }
                      }});
}
