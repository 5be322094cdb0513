// Each system call that an operation of a store makes fails in turn, with each fault that it may have. What is asked for is done, and
// right, or the error is named; and the store goes on working, with nothing half written in it.

#include <larder/store.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <larder/error.hpp>
#include <larder/inspect.hpp>

#include "tests/catch.hpp"
#include "tests/child_process.hpp"
#include "tests/each_failing_call.hpp"
#include "tests/failing_calls.hpp"
#include "tests/scratch_dir.hpp"
#include "tests/store_dir.hpp"

namespace fs = std::filesystem;
using larder::array;
using larder::store;

namespace {

using dictionary = std::map<std::string, array<const double>>;

constexpr std::uint64_t k_capacity = 20 << 10;

array<double> numbers(double first) {
  array<double> a({500});
  for (std::size_t i = 0; i < a.size(); ++i) a(i) = first + static_cast<double>(i);
  return a;
}
dictionary two_arrays(double first) { return {{"a", numbers(first)}, {"b", numbers(first + 1)}}; }

bool is_right(const array<const double>& a, double first) {
  return std::ranges::equal(a.flat(), numbers(first).flat());
}
bool is_right(const dictionary& d, double first) {
  return d.size() == 2 && is_right(d.at("a"), first) && is_right(d.at("b"), first + 1);
}

/// How an operation ended.
struct ending {
  bool done = true;                   // it did not throw
  std::vector<std::string> failed{};  // "CALL FAULT"

  bool has(const char* call) const {
    return std::ranges::any_of(failed, [call](const std::string& each) { return each.starts_with(call); });
  }
};

/// What is done while calls fail, and what has to be so before and afterwards.
struct operation {
  larder::store_options options{};
  std::function<void(const store&)> prepare = [](const store&) {};
  /// Throws nothing but larder's errors, if that.
  std::function<void(const store&)> act{};
  /// Afterwards, without faults.
  std::function<void(const store&, const ending&)> check = [](const store&, const ending&) {};
  std::string always{};  // rules that hold beside the one fault
};

/// Every object is whole, and nothing else is there, but what could not be removed.
void check_files(const store& st, bool unlink_failed) {
  for (const auto& item : fs::directory_iterator(st.path())) {
    const std::string file = item.path().filename().string();
    CAPTURE(file);
    if (file == ".larder-lock") continue;
    if (file.starts_with('.')) {
      CHECK(unlink_failed);
    } else {
      CHECK_NOTHROW(larder::verify(item.path()));
    }
  }
}

/// In this process, and in one that knows nothing of it.
void check_usable(const store& st) {
  const auto use = [&st](const store& here) {
    here.put("usable", two_arrays(3));
    here.put("usable", numbers(4));
    auto writer = here.create<double>("in place", {500});
    writer.array().assign(numbers(5));
    return is_right(std::move(writer).seal().get(), 5) &&
           is_right(here.get<array<const double>>("usable"), 4) && is_right(here.put(numbers(6)).get(), 6) &&
           here.forget("usable") && (here.capacity() != k_capacity || st.used() <= k_capacity);
  };
  st.clear();  // what is pinned would be in the way
  CHECK(use(st));
  child_process other([&] { return use(store::at(st.path())) ? 0 : 1; });
  CHECK(other.wait() == 0);
  st.clear();
  CHECK(st.size() == 0);
  CHECK(std::distance(fs::directory_iterator(st.path()), fs::directory_iterator()) == 1);
}

/// Runs an operation with one fault. Returns the "CALL FAULT" that were.
std::vector<std::string> run(const operation& what, const std::string& rule) {
  const scratch_dir dir;
  const store st = store::at(dir / "store", what.options);
  what.prepare(st);
  ending end;
  std::string text = st.path().string();
  set_failing_calls(what.always + " " + rule);
  try {
    what.act(st);
  } catch (const larder::error& e) {
    end.done = false;
    text = e.what();
  } catch (...) {
    set_failing_calls("");
    throw;
  }
  end.failed = failed_calls();
  set_failing_calls("");
  CAPTURE(text);
  CHECK(text.find(st.path().string()) != std::string::npos);
  check_files(st, end.has("unlink "));
  what.check(st, end);
  check_usable(st);
  return end.failed;
}

void fail_each_call(const operation& what) {
  ::fail_each_call([&what](const std::string& rule) { return run(what, rule); }, "each");
}

void put_old(const store& st) { st.put("x", two_arrays(1)); }
/// It is there unless the fault came before, and what was there stays.
template <class T>
void check_put(const store& st, const ending& end) {
  std::optional<T> found;
  try {
    found = st.find<T>("x");
  } catch (const larder::type_mismatch&) {
  }
  if (end.done) {
    REQUIRE(found);
    CHECK(is_right(*found, 2));
  } else if (!found || !is_right(*found, 2)) {
    CHECK(is_right(st.get<dictionary>("x"), 1));
  }
}

}  // namespace

TEST_CASE("failing calls: an object is put over another") {
  const std::string capacity = GENERATE("", "20K");
  SECTION("an array") {
    fail_each_call({.options = {.capacity = capacity},
                    .prepare = put_old,
                    .act = [](const store& st) { st.put("x", numbers(2)); },
                    .check = check_put<array<const double>>});
  }
  SECTION("an object, pinned") {
    fail_each_call({.options = {.capacity = capacity},
                    .prepare = put_old,
                    .act = [](const store& st) { st.put("x", two_arrays(2), {.pinned = true}); },
                    .check = check_put<dictionary>});
  }
  SECTION("an array that was filled in place") {
    fail_each_call({.options = {.capacity = capacity},
                    .prepare = put_old,
                    .act =
                        [](const store& st) {
                          auto writer = st.create<double>("x", {500});
                          writer.array().assign(numbers(2));
                          std::move(writer).seal();
                        },
                    .check = check_put<array<const double>>});
  }
  SECTION("without nameless files") {
    fail_each_call({.options = {.capacity = capacity},
                    .prepare = put_old,
                    .act = [](const store& st) { st.put("x", numbers(2)); },
                    .check = check_put<array<const double>>,
                    .always = "tmpfile:EOPNOTSUPP"});
  }
}

TEST_CASE("failing calls: an object is written again where somebody took its temporary name away") {
  const scratch_dir dir;
  const store st = store::at(dir / "store", {.capacity = GENERATE("", "20K")});
  put_old(st);
  set_failing_calls("rename:ENOENT@1");
  st.put("x", numbers(2));
  CHECK(failed_calls() == std::vector<std::string>{"rename ENOENT"});
  set_failing_calls("");
  CHECK(is_right(st.get<array<const double>>("x"), 2));
  check_files(st, false);
}

TEST_CASE("failing calls: an object is put where there is none") {
  fail_each_call({.options = {.capacity = GENERATE("", "20K")},
                  .act =
                      [](const store& st) {
                        const auto ref = st.put("x", numbers(2), {.if_absent = true});
                        CHECK(ref.name() == "x");
                      },
                  .check =
                      [](const store& st, const ending& end) {
                        const auto found = st.find<array<const double>>("x");
                        // Where something was there already, it may be gone.
                        if (end.done && !end.has("linkat EEXIST")) CHECK(found);
                        if (found) CHECK(is_right(*found, 2));
                      }});
}

TEST_CASE("failing calls: an object for which others have to go") {
  fail_each_call({.options = {.capacity = "20K"},
                  .prepare =
                      [](const store& st) {
                        for (int i = 0; i < 4; ++i) st.put("old " + std::to_string(i), numbers(i));
                      },
                  .act = [](const store& st) { st.put("x", numbers(2)); },
                  .check =
                      [](const store& st, const ending& end) {
                        CHECK(st.used() <= k_capacity);
                        if (end.done) CHECK(is_right(st.get<array<const double>>("x"), 2));
                      }});
}

TEST_CASE("failing calls: an object is got") {
  fail_each_call(
      {.prepare = put_old,
       .act =
           [](const store& st) {
             const auto got = st.get<dictionary>("x");
             CHECK(is_right(got, 1));
             const auto found = st.find<dictionary>("x");
             CHECK((found && is_right(*found, 1)));
           },
       .check = [](const store& st, const ending&) { CHECK(is_right(st.get<dictionary>("x"), 1)); }});
}

TEST_CASE("failing calls: objects are looked at, pinned and forgotten") {
  const auto act = GENERATE(
      as<std::function<void(const store&)>>(),
      [](const store& st) {
        const auto info = st.info("x");
        CHECK(info.type == "map<string,array<f64>>");
      },
      [](const store& st) {
        const auto names = st.names();
        CHECK(names == std::vector<std::string>{"x"});
      },
      [](const store& st) {
        const auto used = st.used();
        CHECK(used > 8'000);
      },
      [](const store& st) { st.pin("x"); }, [](const store& st) { st.unpin("x"); },
      [](const store& st) {
        const bool was_there = st.forget("x");
        CHECK(was_there);
      },
      [](const store& st) { st.clear(); },
      [](const store& st) {
        const bool is_there = st.wait_for("x", std::chrono::seconds(10));
        CHECK(is_there);
      });
  fail_each_call({.options = {.capacity = "20K"},
                  .prepare = put_old,
                  .act = act,
                  .check = [](const store& st, const ending&) {
                    if (const auto found = st.find<dictionary>("x")) CHECK(is_right(*found, 1));
                  }});
}

TEST_CASE("failing calls: a store is opened, left and removed") {
  const store_dir dir;
  const auto lifetime = GENERATE(larder::lifetime::until_removed, larder::lifetime::last_user);
  fail_each_call(
      [&](const std::string& rule) {
        std::string text = dir.path().string();
        set_failing_calls(rule);
        try {
          const store st("run", {.capacity = "20K", .lifetime = lifetime});
          st.put("x", numbers(2));
          store::list();
          store::remove("run");
        } catch (const larder::error& e) {
          text = e.what();
        }
        const auto failed = failed_calls();
        set_failing_calls("");
        CAPTURE(text);
        CHECK(text.find(dir.path().string()) != std::string::npos);
        {
          const store again("run", {.lifetime = larder::lifetime::until_removed});
          again.put("x", numbers(3));
          CHECK(is_right(again.get<array<const double>>("x"), 3));
          CHECK(store::list() == std::vector<std::string>{"run"});
        }
        CHECK(store::remove("run"));
        CHECK(store::list().empty());
        CHECK(fs::is_empty(dir / "root"));
        fs::remove(dir / "root");
        return failed;
      },
      "each");
}

TEST_CASE(
    "failing calls: what a process leaves that is killed while it puts is swept, by whoever has need of "
    "room") {
  const scratch_dir dir;
  const bool clear = GENERATE(false, true);
  const store st = store::at(dir / "store", {.capacity = clear ? "" : "20K"});
  put_old(st);
  const auto files = [&st] {
    return std::distance(fs::directory_iterator(st.path()), fs::directory_iterator());
  };
  const auto leaves_one = [&](const std::function<void()>& put) {
    const auto before = files();
    child_process killed([&] {
      put();
      return 0;
    });
    CHECK(killed.wait() == -SIGKILL);
    CHECK(files() == before + 1);
  };
  // First, since whoever opens a store sweeps it.
  leaves_one([&] {
    const store own = store::at(st.path());
    put_old(own);
    set_failing_calls("pwrite:kill");
    own.put("x", numbers(2));
  });
  for (const char* const rule : {"rename:kill", "tmpfile:EOPNOTSUPP pwrite:kill"}) {
    leaves_one([&] {
      set_failing_calls(rule);
      st.put("x", numbers(2), {.pinned = true});
    });
  }
  CHECK(is_right(st.get<dictionary>("x"), 1));
  CHECK(st.size() == 1);
  if (clear) {
    st.clear();
    CHECK(files() == 1);
  } else {
    for (int i = 0; i < 5; ++i) st.put("y" + std::to_string(i), numbers(i));
    CHECK(files() == static_cast<std::ptrdiff_t>(st.size()) + 1);
    CHECK(st.used() <= k_capacity);
  }
}
