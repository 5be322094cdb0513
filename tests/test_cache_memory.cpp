// The memo cache as a program uses it: calls, keys, results.

#include <larder/larder.hpp>

#include <sys/wait.h>
#include <unistd.h>
#include <xxhash.h>

#include <concepts>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <ranges>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "tests/cached_functions.hpp"
#include "tests/captured_log.hpp"
#include "tests/catch.hpp"
#include "tests/child_process.hpp"
#include "tests/npy_bytes.hpp"
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

/// The bytes that docs/format.md, "Hashes of values" and "Keys of cached calls", lays down, put together by hand.
class key_bytes {
 public:
  key_bytes& sequence(std::uint64_t count) { return tag('t').number(count); }
  key_bytes& boolean(bool value) { return tag('b').number(std::uint8_t{value}); }
  key_bytes& text(std::string_view value) {
    tag('s').number(std::uint64_t{value.size()});
    bytes_ += value;
    return *this;
  }
  template <class Number>
  key_bytes& value(Number number_) {
    tag(std::floating_point<Number> ? 'f' : std::signed_integral<Number> ? 'i' : 'u');
    return number(std::uint8_t{sizeof number_}).number(number_);
  }
  key_bytes& array(const larder::digest& d) { return tag('a').number(d.low).number(d.high); }

  larder::digest digest() const { return digest_of(bytes_); }
  static larder::digest digest_of(const std::string& bytes) {
    const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
    return {hash.low64, hash.high64};
  }

 private:
  key_bytes& tag(char c) {
    bytes_ += c;
    return *this;
  }
  template <class Number>
  key_bytes& number(Number value) {
    char raw[sizeof value];
    std::memcpy(raw, &value, sizeof value);
    bytes_.append(raw, sizeof raw);
    return *this;
  }

  std::string bytes_;
};

/// Of a function that ignores nothing, or what `ignored` appends.
larder::digest identity(std::string_view name, std::string_view code, std::string_view result,
                        const std::vector<std::uint64_t>& ignored = {}) {
  key_bytes bytes;
  bytes.sequence(5).text("larder key 1").text(name).text(code).text(result).sequence(ignored.size());
  for (const std::uint64_t position : ignored) bytes.value(position);
  return bytes.digest();
}

/// `"arguments":` of the only entry in a cache, still quoted as in JSON.
std::string stored_arguments(const fs::path& cache) {
  const auto entries = entries_in(cache);
  REQUIRE(entries.size() == 1);
  const std::string metadata = larder::inspect(entries[0]).metadata;
  const std::string_view key = "\"arguments\":";
  const std::size_t begin = metadata.find(key) + key.size() + 1;
  return metadata.substr(begin, metadata.find("\",\"code\"", begin) - begin);
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

TEST_CASE(
    "large array results come mapped, on the first call as on the later ones, read-only or copy-on-write") {
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

TEST_CASE(
    "arguments are keyed as converted to the parameter types, and values that differ in any bit differ") {
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
  const auto pair = [](double a, double) { return std::vector{a}; };
  auto g = mem.cache("pair", pair, {.version = "1", .ignore = {0}});
  auto h = mem.cache("pair", pair, {.version = "1", .ignore = {1}});
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
  const auto another = memory(dir / "other").cache("ramp", [](int n) { return ramp(n); });
  CHECK(another.key(5) != f.key(5));
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
  CHECK(entries_in(dir / "cache").empty());
}

TEST_CASE("options that make no sense are refused by name") {
  scratch_dir dir;
  CHECK_THROWS_WITH(memory(dir / "c", {.compress = 20}), ContainsSubstring("compress = 20"));
  CHECK_THROWS_WITH(memory(dir / "c", {.wait_limit = std::chrono::seconds(-1)}),
                    ContainsSubstring("wait_limit"));
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
  CHECK_THAT(log.infos.back(), ContainsSubstring("ramp(5): computed in"));
  CHECK(lines(2) == 3);
  CHECK_THAT(log.infos.back(), ContainsSubstring("ramp(5): from the cache"));
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

TEST_CASE("keys are those of the format: name, code, type of the result, ignored positions, arguments") {
  scratch_dir dir;
  memory mem(dir / "cache");
  const auto f = mem.cache("a name/\xc3\xa4", ramp, {.version = "v/1"});
  CHECK(f.key(5) == key_bytes()
                        .array(identity("a name/\xc3\xa4", "v-v%2f1", "array<f64>"))
                        .sequence(1)
                        .value(std::int32_t{5})
                        .digest());

  const auto g = mem.cache("repeated", repeated, {.version = "2"});
  CHECK(g.key(-7, "ab", true) == key_bytes()
                                     .array(identity("repeated", "v-2", "vector<i32>"))
                                     .sequence(3)
                                     .value(std::int32_t{-7})
                                     .text("ab")
                                     .boolean(true)
                                     .digest());

  const auto none = mem.cache("none", [] { return std::vector<float>(); }, {.version = "1"});
  CHECK(none.key() == key_bytes().array(identity("none", "v-1", "vector<f32>")).sequence(0).digest());

  // The elements of an argument as they would lie in its file.
  const auto h = mem.cache("scaled", scaled, {.version = "1"});
  const array<double> x({2, 3});
  for (std::size_t i = 0; i < 6; ++i) x.flat()[i] = static_cast<double>(i);
  const std::string elements = bytes_of<double>({0, 1, 2, 3, 4, 5});
  const larder::digest x_digest = key_bytes::digest_of(npy_header("<f8", false, {2, 3}) + elements);
  CHECK(h.key(x, 0.5) == key_bytes()
                             .array(identity("scaled", "v-1", "array<f64>"))
                             .sequence(2)
                             .array(x_digest)
                             .value(0.5)
                             .digest());
}

TEST_CASE("keys are those of the format for every type of number") {
  const auto f = memory("")
                     .cache<std::vector<std::uint8_t>(std::int8_t, std::int16_t, std::int64_t, std::uint8_t,
                                                      std::uint16_t, std::uint32_t, std::uint64_t, float)>(
                         "f", [](auto...) { return std::vector<std::uint8_t>(); }, {.version = "1"});
  CHECK(f.key(-1, 2, -3, 4, 5, 6, 7, -0.0F) == key_bytes()
                                                   .array(identity("f", "v-1", "vector<u8>"))
                                                   .sequence(8)
                                                   .value(std::int8_t{-1})
                                                   .value(std::int16_t{2})
                                                   .value(std::int64_t{-3})
                                                   .value(std::uint8_t{4})
                                                   .value(std::uint16_t{5})
                                                   .value(std::uint32_t{6})
                                                   .value(std::uint64_t{7})
                                                   .value(-0.0F)
                                                   .digest());
}

TEST_CASE("ignored positions stand in the identity once each and in ascending order") {
  const auto f = memory("").cache("f", [](int, int b, int) { return std::vector<int>{b}; },
                                  {.version = "1", .ignore = {2, 0, 2}});
  CHECK(f.key(1, 2, 3) == key_bytes()
                              .array(identity("f", "v-1", "vector<i32>", {0, 2}))
                              .sequence(1)
                              .value(std::int32_t{2})
                              .digest());
}

TEST_CASE("the build stands in the key where there is no version") {
  scratch_dir dir;
  const auto f = memory(dir / "cache").cache("ramp", ramp);
  f(5);
  const auto entries = entries_in(dir / "cache" / "ramp");
  REQUIRE(entries.size() == 1);
  const std::string code = entries[0].parent_path().parent_path().filename().string();
  CHECK(f.key(5) ==
        key_bytes().array(identity("ramp", code, "array<f64>")).sequence(1).value(std::int32_t{5}).digest());
}

TEST_CASE("an entry lies where its key says") {
  scratch_dir dir;
  const auto f = memory(dir / "cache").cache("ramp", ramp, {.version = "1"});
  const std::string hex = f.evaluate(5).key.hex();
  const auto entries = entries_in(dir / "cache");
  REQUIRE(entries.size() == 1);
  CHECK(entries[0] == dir / "cache" / "ramp" / "v-1" / hex.substr(0, 2) / hex.substr(2));
}

TEST_CASE("results of other types have other keys, also a vector and an array of the same elements") {
  memory mem("");
  const std::vector<larder::digest> keys = {
      mem.cache("f", [](int) { return std::vector<double>(); }, {.version = "1"}).key(1),
      mem.cache("f", [](int) { return array<double>(); }, {.version = "1"}).key(1),
      mem.cache("f", [](int) { return std::vector<float>(); }, {.version = "1"}).key(1),
      mem.cache("f", [](int) { return array<float>(); }, {.version = "1"}).key(1),
      mem.cache("f", [](int) { return array<std::int64_t>(); }, {.version = "1"}).key(1),
      mem.cache("f", [](int) { return array<std::uint64_t>(); }, {.version = "1"}).key(1)};
  for (std::size_t i = 0; i < keys.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) CHECK(keys[i] != keys[j]);
  }
  // What is read-only in the program is the same in the file.
  CHECK(mem.cache("f", [](int) { return array<const double>(); }, {.version = "1"}).key(1) == keys[1]);
}

TEST_CASE("a vector result with the key of an array of several dimensions does not get in its way") {
  scratch_dir dir;
  // In processes of their own: in one, a name stands for one function.
  const auto table = [&] {
    const auto f = memory(dir / "cache")
                       .cache("f",
                              [](int n) {
                                return array<double>({n, n});
                              },
                              {.version = "1"});
    const auto r = f.evaluate(3);
    return r.value.ndim() != 2 ? 1 : r.how == outcome::hit ? 2 : 3;
  };
  const auto list = [&] {
    const auto f =
        memory(dir / "cache")
            .cache("f", [](int n) { return std::vector<double>(std::size_t(n), 1.0); }, {.version = "1"});
    const auto r = f.evaluate(3);
    return r.value.size() != 3 ? 1 : r.how == outcome::hit ? 2 : 3;
  };
  CHECK(child_process(table).wait() == 3);
  CHECK(child_process(list).wait() == 3);
  CHECK(child_process(table).wait() == 2);
  CHECK(child_process(list).wait() == 2);
}

TEST_CASE("arguments are readable in the metadata, and a long text is cut") {
  scratch_dir dir;
  memory mem(dir / "cache");
  const auto f = mem.cache(
      "f",
      [](const std::string&, const array<const float>&, bool, std::uint8_t, int, double) { return ramp(1); },
      {.version = "1"});
  SECTION("short ones are whole") {
    const std::string longest(60, 'x');
    f(longest, array<float>({2, 3}), false, 200, -5, 0.1);
    CHECK(stored_arguments(dir / "cache") ==
          "\\\"" + longest + "\\\", array<f32>(2, 3), false, 200, -5, 0.1");
  }
  SECTION("a long one ends in an ellipsis") {
    f(std::string(60, 'x') + "y", array<float>(), true, 0, 0, 1e300);
    CHECK(stored_arguments(dir / "cache") ==
          "\\\"" + std::string(60, 'x') + "…\\\", array<f32>(0,), true, 0, 0, 1e+300");
  }
}

TEST_CASE("many arguments are cut in the metadata and whole in the key") {
  scratch_dir dir;
  const auto run = [&]<std::size_t... I>(std::index_sequence<I...>) {
    const auto f = memory(dir / "cache")
                       .cache<std::vector<double>(std::enable_if_t<(I < 100), const std::string&>...)>(
                           "many", [](const auto&...) { return std::vector{1.0}; }, {.version = "1"});
    const std::string text(50, 'x');
    f((static_cast<void>(I), text)...);
    const std::string changed(50, 'y');
    CHECK(f.check_call_in_cache((static_cast<void>(I), text)...));
    CHECK_FALSE(f.check_call_in_cache((I + 1 == sizeof...(I) ? changed : text)...));
  };
  run(std::make_index_sequence<40>());  // 40 * 54 characters
  const std::string arguments = stored_arguments(dir / "cache");
  CHECK(arguments.ends_with("…"));
  CHECK(arguments.size() > 900);
  CHECK(arguments.size() < 1200);  // with the quotes escaped
}
