// Results of every storable type, and everything that a cached function can do beside being called.

#include <larder/memory.hpp>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <larder/dump.hpp>
#include <larder/error.hpp>
#include <larder/fields.hpp>
#include <larder/function.hpp>
#include <larder/load.hpp>
#include <larder/parallel.hpp>

#include "tests/cached_functions.hpp"
#include "tests/captured_log.hpp"
#include "tests/catch.hpp"
#include "tests/check_same.hpp"
#include "tests/counted.hpp"
#include "tests/file_bytes.hpp"
#include "tests/scratch_dir.hpp"

namespace fs = std::filesystem;
using Catch::Matchers::ContainsSubstring;
using larder::array;
using larder::memory;
using larder::outcome;

namespace cached_results {

struct fit {
  double slope = 0;
  array<const double> residuals;
  std::map<std::string, std::vector<int>> groups;
  LARDER_FIELDS(slope, residuals, groups)
};

fit fitted(int n) {
  ++calls;
  return {.slope = n * 0.5, .residuals = counted({std::size_t(n)}), .groups = {{"a", {n, n + 1}}}};
}

int twice(int x) {
  ++calls;
  return 2 * x;
}
std::string text(int n) {
  ++calls;
  return std::string(std::size_t(n), 'x');
}
std::unique_ptr<int> owned(int n) {
  ++calls;
  return std::make_unique<int>(n);
}
std::optional<std::pair<bool, char>> perhaps(int n) {
  return n < 0 ? std::nullopt : std::optional(std::pair(n > 5, 'c'));
}
std::variant<int, std::string> either(bool number) {
  return number ? std::variant<int, std::string>(3) : "three";
}
std::vector<std::vector<double>> rows(int n) {
  return std::vector<std::vector<double>>(std::size_t(n), std::vector<double>(10000, n));
}
array<const double> big(int n) {
  ++calls;
  return counted({std::size_t(n)});
}

/// Throws what is no std::exception.
struct throwing {
  int n = 0;
  static inline bool in_save = false;
  static inline bool in_load = false;
  template <class Archive>
  void save(Archive& ar) const {
    if (in_save) throw 42;
    ar(n);
  }
  template <class Archive>
  void load(Archive& ar) {
    if (in_load) throw 43;
    ar(n);
  }
};

/// A functor whose members are in the key.
struct scaled_by {
  double factor = 1;
  std::vector<double> operator()(double x) const {
    ++calls;
    return {factor * x};
  }
  LARDER_FIELDS(factor)
};

}  // namespace cached_results

using namespace cached_results;

namespace {

template <class F, class... Args>
void comes_back(const memory& mem, const std::string& name, F function, const Args&... args) {
  CAPTURE(name);
  const auto f = mem.cache(name, function, {.version = "1"});
  const auto first = f.evaluate(args...);
  const auto again = f.evaluate(args...);
  CHECK(first.how == outcome::computed);
  CHECK(again.how == outcome::hit);
  CHECK(first.value == function(args...));
  CHECK(again.value == first.value);
}

}  // namespace

TEST_CASE("results of every storable type come back") {
  const scratch_dir dir;
  for (const int level : {0, 3}) {
    const memory mem(dir / std::to_string(level), {.compress = level});
    comes_back(mem, "twice", twice, 21);
    comes_back(mem, "text", text, 5);
    comes_back(mem, "text", text, 100000);
    comes_back(mem, "perhaps", perhaps, -1);
    comes_back(mem, "perhaps", perhaps, 7);
    comes_back(mem, "either", either, true);
    comes_back(mem, "either", either, false);
    comes_back(mem, "rows", rows, 7);
    comes_back(mem, "rows", rows, 0);
    const auto f = mem.cache("owned", owned, {.version = "1"});
    CHECK(*f(5) == 5);
    CHECK(*f.evaluate(5).value == 5);
    CHECK(f.evaluate(5).how == outcome::hit);
  }
}

TEST_CASE("the arrays within a result are mapped on the first call as on later ones") {
  const scratch_dir dir;
  const auto f = memory(dir / "cache").cache("fitted", fitted, {.version = "1"});
  for (const auto how : {outcome::computed, outcome::hit}) {
    const auto r = f.evaluate(5000);
    CHECK(r.how == how);
    CHECK(r.value.slope == 2500);
    CHECK(r.value.residuals.is_mapped());
    check_same(r.value.residuals, counted({5000}));
    CHECK(r.value.groups == std::map<std::string, std::vector<int>>{{"a", {5000, 5001}}});
    CHECK_FALSE(f(5).residuals.is_mapped());
  }
}

TEST_CASE("call always computes, and replaces what is stored") {
  const scratch_dir dir;
  const auto f = memory(dir / "cache").cache("twice", twice, {.version = "1"});
  f.store(100, 4);
  CHECK(f(4) == 100);
  calls = 0;
  CHECK(f.call(4) == 8);
  CHECK(f.call(4) == 8);
  CHECK(calls == 2);
  CHECK(f.evaluate(4).how == outcome::hit);
  CHECK(f(4) == 8);
  const auto g = memory(dir / "cache").cache("big", big, {.version = "1"});
  CHECK(g.call(5000).is_mapped());
}

TEST_CASE("a result from elsewhere is stored as that of a call") {
  const scratch_dir dir;
  const memory mem(dir / "cache");
  const auto f = mem.cache("big", big, {.version = "1"});
  calls = 0;
  f.store(counted({3}), 1000);
  CHECK(f(1000).size() == 3);
  f.store(counted({4}), 1000);
  CHECK(f(1000).size() == 4);
  CHECK(calls == 0);
  const auto read_only = memory(dir / "cache", {.read_only = true}).cache("big", big, {.version = "1"});
  CHECK_THROWS_WITH(read_only.store(counted({3}), 1), ContainsSubstring("read_only"));
  CHECK_THROWS_WITH(memory("").cache("big", big).store(counted({3}), 1), ContainsSubstring("no location"));
}

TEST_CASE("a shelved result is loaded when it is asked for, and is an error once it is cleared") {
  const scratch_dir dir;
  const memory mem(dir / "cache");
  const auto f = mem.cache("big", big, {.version = "1"});
  calls = 0;
  auto shelf = f.call_and_shelve(5000);
  CHECK(calls == 1);
  CHECK(shelf.key() == f.key(5000));
  CHECK(fs::is_regular_file(shelf.path()));
  CHECK(shelf.get().is_mapped());
  check_same(shelf.get(), counted({5000}));
  auto again = f.call_and_shelve(5000);
  CHECK(calls == 1);
  CHECK(f(5000).size() == 5000);
  again.clear();
  CHECK_THROWS_AS(shelf.get(), larder::io_error);
  CHECK_NOTHROW(shelf.clear());
  CHECK_NOTHROW(again.clear());
  CHECK_THROWS_AS(larder::shelved<int>().get(), larder::value_error);
  CHECK(f.evaluate(5000).how == outcome::computed);
}

TEST_CASE("shelving on a hit reads no payload, nor does a look whether there is one") {
  const scratch_dir dir;
  const memory mem(dir / "cache", {.verification = larder::verification::full});
  const auto check = [](const auto& f, int n) {
    const std::string path = f.call_and_shelve(n).path();
    std::string bytes = read_file(path);
    bytes[bytes.size() / 2] ^= 1;  // in the data
    fs::remove(path);
    write_file(path, bytes);
    CHECK(f.check_call_in_cache(n));
    calls = 0;
    const auto shelf = f.call_and_shelve(n);
    CHECK(calls == 0);
    CHECK_THROWS_AS(shelf.get(), larder::format_error);
    CHECK(f.evaluate(n).how == outcome::computed);
  };
  check(mem.cache("big", big, {.version = "1"}), 5000);
  check(mem.cache("text", text, {.version = "1"}), 5000);  // an object
}

TEST_CASE("a shelved result can be stored, and loads in whoever has it") {
  const scratch_dir dir;
  const memory mem(dir / "cache");
  const auto f = mem.cache("fitted", fitted, {.version = "1"});
  using shelf = larder::shelved<fit>;
  CHECK(larder::type_text<shelf>() == "shelved<cached_results::fit>");
  std::vector<shelf> shelves;
  for (const int n : {3, 5000}) shelves.push_back(f.call_and_shelve(n));
  larder::dump(shelves, dir / "shelves");
  const auto back = larder::load<std::vector<shelf>>(dir / "shelves");
  REQUIRE(back.size() == 2);
  CHECK(back[0].get().slope == 1.5);
  CHECK(back[1].get().residuals.is_mapped());
  CHECK(back[1].key() == f.key(5000));
  // They are arguments and results as other values are.
  const auto total = mem.cache("total",
                               [](const std::vector<shelf>& all) {
                                 double sum = 0;
                                 for (const shelf& each : all) sum += each.get().slope;
                                 return sum;
                               },
                               {.version = "1"});
  CHECK(total(back) == 2501.5);
  CHECK(total.evaluate(shelves).how == outcome::hit);
}

TEST_CASE("where nothing can be stored a shelved result holds its value") {
  const scratch_dir dir;
  const auto f = memory("").cache("fitted", fitted);
  auto shelf = f.call_and_shelve(7);
  CHECK(shelf.path().empty());
  CHECK(shelf.get().slope == 3.5);
  CHECK(shelf.get().slope == 3.5);
  larder::dump(shelf, dir / "shelf");
  CHECK(larder::load<larder::shelved<fit>>(dir / "shelf").get().residuals.size() == 7);
  shelf.clear();
  CHECK_THROWS_AS(shelf.get(), larder::value_error);

  const auto once = memory("").cache("owned", owned).call_and_shelve(9);
  CHECK(*once.get() == 9);
  CHECK_THROWS_WITH(once.get(), ContainsSubstring("taken already"));
}

TEST_CASE("entries that the callback refuses are computed anew and replaced") {
  const scratch_dir dir;
  const memory mem(dir / "cache");
  static larder::entry_info seen;
  static bool valid = true;
  const auto f =
      mem.cache("twice", twice, {.version = "7", .cache_validation_callback = [](const auto& entry) {
                                   seen = entry;
                                   return valid;
                                 }});
  const auto before = std::chrono::system_clock::now();
  CHECK(f.evaluate(3).how == outcome::computed);
  CHECK(f.evaluate(3).how == outcome::hit);
  CHECK(seen.function == "twice");
  CHECK(seen.code == "v-7");
  CHECK(seen.arguments == "3");
  CHECK(seen.key == f.key(3));
  CHECK(seen.seconds >= 0);
  CHECK(seen.time > before - std::chrono::milliseconds(1));
  CHECK(seen.time <= std::chrono::system_clock::now());
  CHECK_FALSE(seen.host.empty());
  CHECK(f.check_call_in_cache(3));
  valid = false;
  CHECK_FALSE(f.check_call_in_cache(3));
  f.store(1000, 3);
  CHECK(f.evaluate(3).how == outcome::computed);
  valid = true;
  CHECK(f(3) == 6);
  CHECK(f.evaluate(3).how == outcome::hit);
  CHECK(entries_in(dir / "cache").size() == 1);

  const auto throwing =
      mem.cache("throwing", twice, {.version = "1", .cache_validation_callback = [](const auto&) -> bool {
                                      throw std::domain_error("no");
                                    }});
  CHECK(throwing(1) == 2);
  CHECK_THROWS_AS(throwing(1), std::domain_error);
  CHECK_THROWS_AS(throwing.check_call_in_cache(1), std::domain_error);
}

TEST_CASE("results expire after the time that was given") {
  const scratch_dir dir;
  const memory mem(dir / "cache");
  const auto fresh = [&](std::chrono::nanoseconds age) {
    return mem.cache("twice", twice,
                     {.version = "1", .cache_validation_callback = larder::expires_after(age)});
  };
  fresh(std::chrono::hours(1))(3);
  CHECK(fresh(std::chrono::hours(1)).evaluate(3).how == outcome::hit);
  CHECK(fresh(std::chrono::nanoseconds(0)).evaluate(3).how == outcome::computed);
  CHECK(fresh(std::chrono::hours(1)).evaluate(3).how == outcome::hit);
  CHECK_THROWS_AS(larder::expires_after(std::chrono::seconds(-1)), larder::value_error);
}

TEST_CASE("a name that stands for another function is refused at once") {
  const scratch_dir dir;
  const memory mem(dir / "cache");
  const auto f = mem.cache("f", twice, {.version = "1"});
  const auto same = memory(dir / "cache").cache("f", twice, {.version = "1"});
  CHECK_THROWS_AS(mem.cache("f", big, {.version = "1"}), larder::value_error);
  CHECK_THROWS_WITH(memory(dir / "cache").cache("f", [](int x) { return x; }, {.version = "1"}),
                    ContainsSubstring("\"f\"") && ContainsSubstring("another function"));
  CHECK_NOTHROW(mem.cache("f", big, {.version = "2"}));
  CHECK_NOTHROW(memory(dir / "other").cache("f", big, {.version = "1"}));
  const auto a = mem.cache("lambda", [](int x) { return x; });
  CHECK_THROWS_AS(mem.cache("lambda", [](int x) { return x; }), larder::value_error);
  // Also when the first one is gone, however the directory is written, and with another signature of one callable.
  mem.cache("gone", twice, {.version = "1"})(1);
  CHECK_THROWS_AS(mem.cache("gone", [](int x) { return x; }, {.version = "1"}), larder::value_error);
  fs::create_directory(dir / "sub");
  CHECK_THROWS_AS(
      memory(dir / "sub" / ".." / "cache").cache("gone", [](int x) { return x; }, {.version = "1"}),
      larder::value_error);
  const auto generic = [](auto x) { return x + x; };
  mem.cache<int(int)>("generic", generic);
  CHECK_THROWS_AS(mem.cache<int(short)>("generic", generic), larder::value_error);
}

TEST_CASE("a read-only memory changes nothing") {
  const scratch_dir dir;
  const auto writing = memory(dir / "cache").cache("twice", twice, {.version = "1"});
  writing(1);
  const memory mem(dir / "cache", {.read_only = true});
  const auto f = mem.cache("twice", twice, {.version = "1"});
  CHECK_THROWS_AS(f.forget(1), larder::value_error);
  CHECK_THROWS_AS(f.clear(), larder::value_error);
  CHECK_THROWS_AS(mem.clear(), larder::value_error);
  CHECK(f.call(1) == 2);
  CHECK(f(2) == 4);
  CHECK(writing.check_call_in_cache(1));
  CHECK_FALSE(writing.check_call_in_cache(2));
}

TEST_CASE("the callback is asked once of each entry, and not of what was just computed") {
  const scratch_dir dir;
  static int asked;
  static bool answer;
  const auto f =
      memory(dir / "cache").cache("big", big, {.version = "1", .cache_validation_callback = [](const auto&) {
                                                 ++asked;
                                                 return std::exchange(answer, true);
                                               }});
  asked = 0;
  answer = true;
  f(5000);
  CHECK(asked == 0);
  answer = false;
  CHECK(f.evaluate(5000).how == outcome::computed);
  CHECK(asked == 1);
  CHECK(f(5000).is_mapped());
  CHECK(asked == 2);
}

TEST_CASE("an entry from a clock that was ahead has expired") {
  const scratch_dir dir;
  const auto valid = larder::expires_after(std::chrono::hours(1));
  larder::entry_info entry;
  entry.time = std::chrono::system_clock::now() + std::chrono::hours(24);
  CHECK_FALSE(valid(entry));
  entry.time = std::chrono::system_clock::now();
  CHECK(valid(entry));
}

TEST_CASE("what a type throws while it is stored or loaded is a miss, whatever it is") {
  const scratch_dir dir;
  const captured_log log;
  const auto f = memory(dir / "cache").cache("throwing", [](int n) { return throwing{n}; }, {.version = "1"});
  throwing::in_save = true;
  CHECK(f(3).n == 3);
  throwing::in_save = false;
  CHECK(f.evaluate(3).how == outcome::computed);
  CHECK(f.evaluate(3).how == outcome::hit);
  throwing::in_load = true;
  CHECK(f(3).n == 3);
  throwing::in_load = false;
  CHECK(log.warnings.size() == 2);
}

TEST_CASE("the state of a functor is in the key") {
  const scratch_dir dir;
  const memory mem(dir / "cache");
  calls = 0;
  const auto two = mem.cache("scaled", scaled_by{2}, {.version = "1"});
  const auto three = mem.cache("scaled", scaled_by{3}, {.version = "1"});
  CHECK(two(5) == std::vector<double>{10});
  CHECK(three(5) == std::vector<double>{15});
  CHECK(two(5) == std::vector<double>{10});
  CHECK(mem.cache("scaled", scaled_by{2}, {.version = "1"}).evaluate(5).how == outcome::hit);
  CHECK(calls == 2);
}

TEST_CASE("a single call goes through eval") {
  const scratch_dir dir;
  const memory mem(dir / "cache");
  calls = 0;
  CHECK(mem.eval("twice", twice, 4) == 8);
  CHECK(mem.eval("twice", twice, 4) == 8);
  CHECK(calls == 1);
}

TEST_CASE("stats count what the memory did") {
  const scratch_dir dir;
  const captured_log log;
  const memory mem(dir / "cache");
  const auto f = mem.cache("twice", twice, {.version = "1"});
  f(1);
  f(2);
  f(1);
  const auto copy = mem;
  auto stats = copy.stats();
  CHECK(stats.hits == 1);
  CHECK(stats.misses == 2);
  CHECK(stats.waits == 0);
  CHECK(stats.corrupt == 0);
  std::uint64_t bytes = 0;
  for (const auto& entry : entries_in(dir / "cache")) bytes += fs::file_size(entry);
  CHECK(stats.bytes == bytes);
  const auto entry = entries_in(dir / "cache").front();
  fs::remove(entry);
  write_file(entry, "not an entry");
  f(1);
  f(2);
  stats = mem.stats();
  CHECK(stats.corrupt == 1);
  CHECK(stats.hits == 2);
  CHECK(stats.misses == 3);

  // A hit is worth what the computation had cost.
  const auto slow = mem.cache("slow",
                              [](int n) {
                                const auto end =
                                    std::chrono::steady_clock::now() + std::chrono::milliseconds(30);
                                while (std::chrono::steady_clock::now() < end) {
                                }
                                return n;
                              },
                              {.version = "1"});
  slow(1);
  const double before = mem.stats().seconds_saved;
  slow(1);
  slow(1);
  CHECK(mem.stats().seconds_saved - before >= 0.06);
}

TEST_CASE("a result that is a mapping of a sealed file already is stored as it is") {
  const scratch_dir dir;
  larder::dump(counted({100000}), dir / "in.npy");
  const memory mem(dir / "cache");
  const auto pass =
      mem.cache("pass", [](const std::string& path) { return larder::load<array<const double>>(path); },
                {.version = "1"});
  const auto r = pass((dir / "in.npy").string());
  CHECK(r.origin()->path != dir / "in.npy");
  check_same(r, counted({100000}));
  CHECK(larder::hash(r) == larder::hash(counted({100000})));
  // The bytes of the array are those of the other file.
  const std::string entry = read_file(r.origin()->path), in = read_file(dir / "in.npy");
  CHECK(entry.substr(0, 128 + 800000) == in.substr(0, 128 + 800000));
}

TEST_CASE("cached functions of any result are called from a parallel map") {
  const scratch_dir dir;
  const memory mem(dir / "cache");
  const auto f = mem.cache("text", text, {.version = "1"});
  const std::vector<int> ns = {1, 2, 3, 1, 2, 3, 1, 2, 3};
  for (int round = 0; round < 2; ++round) {
    const auto all = larder::parallel({.n_jobs = 4}).map(ns, f);
    REQUIRE(all.size() == ns.size());
    for (std::size_t i = 0; i < ns.size(); ++i) CHECK(all[i].size() == std::size_t(ns[i]));
  }
  CHECK(mem.stats().misses == 3);
}
