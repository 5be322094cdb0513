// The memo cache as a program uses it: calls, keys, results.

#include <larder/larder.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <ranges>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/cached_functions.hpp"
#include "tests/catch.hpp"
#include "tests/scratch_dir.hpp"

namespace fs = std::filesystem;
using Catch::Matchers::ContainsSubstring;
using larder::array;
using larder::memory;
using larder::outcome;

namespace {

array<double> scaled(array<const double> x, double factor) {
  ++calls;
  array<double> out(larder::extents(x.shape()));
  for (std::size_t i = 0; i < x.size(); ++i) out.flat()[i] = x.flat()[i] * factor;
  return out;
}

std::vector<std::int32_t> repeated(std::int32_t value, const std::string& text, bool twice) {
  ++calls;
  return std::vector<std::int32_t>(text.size() * (twice ? 2 : 1), value);
}

array<double> failing(int n) {
  ++calls;
  if (n < 0) throw std::domain_error("negative");
  return array<double>({n});
}

}  // namespace

TEST_CASE("a call is computed once and then comes from the cache, with the same value") {
  scratch_dir dir;
  memory mem(dir / "cache");
  auto f = mem.cache("scaled", scaled, {.version = "1"});
  const auto x = ramp(100);
  calls = 0;

  const auto first = f.evaluate(x, 2.0);
  CHECK(first.how == outcome::computed);
  const auto second = f.evaluate(x, 2.0);
  CHECK(second.how == outcome::hit);
  CHECK(calls == 1);
  CHECK(first.key == second.key);
  CHECK(first.value(99) == 198.0);
  CHECK(second.value(99) == 198.0);
  CHECK(f(x, 3.0)(99) == 297.0);
  CHECK(calls == 2);

  SECTION("also in another memory on the same directory") {
    auto g = memory(dir / "cache").cache("scaled", scaled, {.version = "1"});
    CHECK(g.evaluate(x, 2.0).how == outcome::hit);
  }
  SECTION("also in another process") {
    const pid_t child = ::fork();
    if (child == 0) {
      auto g = memory(dir / "cache").cache("scaled", scaled, {.version = "1"});
      ::_exit(g.evaluate(x, 2.0).how == outcome::hit ? 0 : 1);
    }
    int child_status = 0;
    ::waitpid(child, &child_status, 0);
    CHECK(child_status == 0);
  }
  SECTION("whatever memory the argument lies in") {
    larder::dump(x, dir / "x.npy");
    CHECK(f.evaluate(larder::load<array<const double>>(dir / "x.npy"), 2.0).how == outcome::hit);
    CHECK(f.evaluate(x.copy(), 2).how == outcome::hit);
  }
}

TEST_CASE("large array results come mapped, on the first call as on the later ones, read-only or copy-on-write") {
  scratch_dir dir;
  memory mem(dir / "cache");
  auto constant = mem.cache("ramp", ramp, {.version = "1"});
  auto writable = mem.cache("scaled", scaled, {.version = "1"});
  constexpr int k_large = 2048;  // 16 KiB
  for (int call = 0; call < 2; ++call) {
    CHECK_FALSE(constant(k_large - 1).is_mapped());  // a copy costs no more
    const auto r = constant(k_large);
    REQUIRE(r.is_mapped());
    CHECK(r.origin()->mode == larder::mmap_mode::read);
    auto w = writable(r, 2.0);
    REQUIRE(w.is_mapped());
    CHECK(w.origin()->mode == larder::mmap_mode::copy_on_write);
    CHECK(w(3) == 6.0);
    w(3) = -1;  // the next round sees the stored value
  }
}

TEST_CASE("vectors, strings, booleans and integers take part in keys and results") {
  scratch_dir dir;
  memory mem(dir / "cache");
  auto f = mem.cache("repeated", repeated, {.version = "1"});
  calls = 0;
  CHECK(f(7, "ab", false) == std::vector<std::int32_t>{7, 7});
  CHECK(f(7, "ab", false) == std::vector<std::int32_t>{7, 7});
  CHECK(calls == 1);
  CHECK(f(7, "ab", true).size() == 4);
  CHECK(f(7, "abc", false).size() == 3);
  CHECK(f(8, "ab", false).front() == 8);
  CHECK(f(7, "", false).empty());
  CHECK(f(7, "", false).empty());
  CHECK(calls == 5);

  auto g = mem.cache("sum",
                     [](std::vector<double> v) {
                       ++calls;
                       return std::vector<double>{v.empty() ? 0.0 : v[0]};
                     },
                     {.version = "1"});
  CHECK(g({1.5, 2})[0] == 1.5);
  CHECK(g({1.5, 2})[0] == 1.5);
  CHECK(calls == 6);
}

TEST_CASE("arguments are keyed as converted to the parameter types, and values that differ in any bit differ") {
  scratch_dir dir;
  auto f =
      memory(dir / "cache").cache("f", [](double x) { return std::vector<double>{x}; }, {.version = "1"});
  CHECK(f.key(1) == f.key(1.0));
  CHECK(f.key(0.0) != f.key(-0.0));
  auto g = memory(dir / "cache").cache("g", [](array<const double> x) { return x; }, {.version = "1"});
  array<double> c({2, 3});
  for (int i = 0; i < 6; ++i) c.flat()[static_cast<std::size_t>(i)] = i;
  const auto fortran = c.transpose().copy().transpose();  // equal elements, in column-major order
  CHECK(g.key(c) != g.key(fortran));
  CHECK(g.key(array<double>({1})) != g.key(array<double>(larder::extents())));
  CHECK(g.key(c) == g.key(c.copy()));
}

TEST_CASE("an argument that the call changes is hashed anew the next time") {
  scratch_dir dir;
  auto f = memory(dir / "cache")
               .cache("count",
                      [](array<double> x) {
                        ++calls;
                        x(0) += 1;
                        return x.copy();
                      },
                      {.version = "1"});
  array<double> x({1});
  calls = 0;
  CHECK(f(x)(0) == 1);
  CHECK(f(x)(0) == 2);
  CHECK(calls == 2);
}

TEST_CASE("a moved argument reaches the function whole") {
  scratch_dir dir;
  auto f = memory(dir / "cache")
               .cache("length",
                      [](std::string text) {
                        const std::string taken = std::move(text);
                        return std::vector<std::int64_t>{static_cast<std::int64_t>(taken.size())};
                      },
                      {.version = "1"});
  CHECK(f(std::string(100, 'x'))[0] == 100);
  const auto entries = entries_in(dir / "cache");
  REQUIRE(entries.size() == 1);
  CHECK_THAT(larder::inspect(entries[0]).metadata, ContainsSubstring("xxxxx"));
}

TEST_CASE("ignored arguments are not in the key, and a position that does not exist is an error") {
  scratch_dir dir;
  memory mem(dir / "cache");
  auto f = mem.cache("scaled", scaled, {.version = "1", .ignore = {1}});
  const auto x = ramp(3);
  CHECK(f.evaluate(x, 2.0).how == outcome::computed);
  CHECK(f.evaluate(x, 5.0).how == outcome::hit);
  CHECK(f.evaluate(ramp(4), 2.0).how == outcome::computed);
  CHECK_THROWS_AS(mem.cache("scaled", scaled, {.ignore = {2}}), larder::value_error);
  CHECK_THROWS_WITH(mem.cache("scaled", scaled, {.ignore = {2}}),
                    ContainsSubstring("scaled has 2 arguments"));
  // Which argument is ignored is part of the key.
  auto g =
      mem.cache("pair", [](double a, double) { return std::vector{a}; }, {.version = "1", .ignore = {0}});
  auto h =
      mem.cache("pair", [](double a, double) { return std::vector{a}; }, {.version = "1", .ignore = {1}});
  CHECK(g.key(1, 1) != h.key(1, 1));
}

TEST_CASE("names and versions live side by side") {
  scratch_dir dir;
  memory mem(dir / "cache");
  auto one = mem.cache("f", ramp, {.version = "1"});
  auto two = mem.cache("f", ramp, {.version = "2"});
  auto other = mem.cache("g/../h ä", ramp, {.version = "1/x"});
  CHECK(one.evaluate(5).how == outcome::computed);
  CHECK(two.evaluate(5).how == outcome::computed);
  CHECK(other.evaluate(5).how == outcome::computed);
  CHECK(one.evaluate(5).how == outcome::hit);
  CHECK(other.evaluate(5).how == outcome::hit);
  CHECK(fs::exists(dir / "cache" / "f" / "v-1"));
  CHECK(fs::exists(dir / "cache" / "f" / "v-2"));
  CHECK(fs::exists(dir / "cache" / "g%2f..%2fh%20%c3%a4" / "v-1%2fx"));
  CHECK(dir.names() == std::vector<std::string>{"cache"});

  CHECK_THROWS_AS(mem.cache("", ramp), larder::value_error);
  CHECK_THROWS_AS(mem.cache(std::string(300, 'x'), ramp), larder::value_error);
  CHECK_NOTHROW(mem.cache(std::string(200, 'x'), ramp, {.version = "1"})(1));
}

TEST_CASE("without a version the build of the program is the code id, and it caches within one build") {
  scratch_dir dir;
  memory mem(dir / "cache");
  auto f = mem.cache("ramp", ramp);
  CHECK(f.evaluate(5).how == outcome::computed);
  CHECK(mem.cache("ramp", ramp).evaluate(5).how == outcome::hit);
  CHECK(mem.cache("ramp", [](int n) { return ramp(n); }).key(5) != f.key(5));  // another function
  const auto entries = entries_in(dir / "cache" / "ramp");
  REQUIRE(entries.size() == 1);
  const std::string code = entries[0].parent_path().parent_path().filename().string();
  CHECK(code.size() == 34);
  CHECK(code.starts_with("b-"));
}

TEST_CASE("overloaded and generic functions are cached by a named signature") {
  scratch_dir dir;
  memory mem(dir / "cache");
  auto f = mem.cache<std::vector<double>(int, double)>(
      "fill", [](auto n, auto x) { return std::vector<double>(static_cast<std::size_t>(n), x); },
      {.version = "1"});
  CHECK(f(3, 2.5) == std::vector<double>{2.5, 2.5, 2.5});
  CHECK(f.evaluate(3, 2.5).how == outcome::hit);
  auto g = mem.cache<array<const double>(int)>("ramp", LARDER_FN(ramp), {.version = "1"});
  CHECK(g(4)(3) == 3);
}

TEST_CASE("what a call throws passes through, is never stored, and is thrown again") {
  scratch_dir dir;
  auto f = memory(dir / "cache").cache("failing", failing, {.version = "1"});
  calls = 0;
  CHECK_THROWS_AS(f(-1), std::domain_error);
  CHECK_THROWS_AS(f(-1), std::domain_error);
  CHECK(calls == 2);
  CHECK_FALSE(fs::exists(dir / "cache"));
}

TEST_CASE("options of later versions are refused by name") {
  scratch_dir dir;
  CHECK_THROWS_WITH(memory(dir / "c", {.compress = 3}), ContainsSubstring("compress = 3"));
  CHECK_THROWS_WITH(memory(dir / "c", {.bytes_limit = "10G"}), ContainsSubstring("bytes_limit"));
  CHECK_THROWS_WITH(memory(dir / "c", {.verbose = -1}), ContainsSubstring("verbose = -1"));
}

TEST_CASE("it is silent by default, verbose 1 names what is computed, 2 also what comes from the cache") {
  scratch_dir dir;
  const captured_log log;
  const auto lines = [&](int verbose) {
    memory mem(dir / std::to_string(verbose), {.verbose = verbose});
    auto f = mem.cache("ramp", ramp, {.version = "1"});
    f(5);
    f(5);
    const auto count = log.infos.size();
    return count;
  };
  CHECK(lines(0) == 0);
  CHECK(lines(1) == 1);
  CHECK_THAT(log.infos.back(), ContainsSubstring("ramp: computed in"));
  CHECK(lines(2) == 3);
  CHECK_THAT(log.infos.back(), ContainsSubstring("ramp: from the cache"));
  CHECK(log.warnings.empty());
}

TEST_CASE("a cached function is called from a parallel map, and from several threads at once") {
  scratch_dir dir;
  memory mem(dir / "cache");
  auto f = mem.cache("ramp", ramp, {.version = "1"});
  larder::parallel pool({.n_jobs = 4});
  for (int round = 0; round < 2; ++round) {
    const auto results = pool.map(std::views::iota(1, 200), f);
    REQUIRE(results.size() == 199);
    for (int n = 1; n < 200; ++n)
      CHECK(results[static_cast<std::size_t>(n - 1)].size() == static_cast<std::size_t>(n));
  }
  CHECK(entries_in(dir / "cache").size() == 199);
  CHECK(f.evaluate(77).how == outcome::hit);

  // All on one key: whoever computes, everyone sees the same, and the entry is whole.
  const auto same = pool.map(std::views::iota(0, 64), [&](int) { return f(1234)(1233); });
  for (const double value : same) CHECK(value == 1233);
  CHECK(entries_in(dir / "cache").size() == 200);
}
