// What functions can be cached, and what their arguments put into the key: member functions, functors, files, spans, and
// types with a key of their own.

#include <larder/larder.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/cached_functions.hpp"
#include "tests/catch.hpp"
#include "tests/file_bytes.hpp"
#include "tests/scratch_dir.hpp"

namespace fs = std::filesystem;
using Catch::Matchers::ContainsSubstring;
using larder::array;
using larder::file_content;
using larder::memory;
using larder::outcome;

namespace cached {

struct filter {
  double gain = 1;
  LARDER_FIELDS(gain)

  std::vector<double> apply(std::span<const double> x) const {
    ++calls;
    std::vector<double> out(x.begin(), x.end());
    for (double& each : out) each *= gain;
    return out;
  }
  std::vector<double> apply_noexcept(double x) const noexcept { return {gain * x}; }
  std::vector<double> apply_lvalue(double x) const& { return {gain * x}; }
  void set(double value) { gain = value; }
};

/// State that is not storable: no default constructor, a constant.
struct shift {
  explicit shift(double value) : by(value) {}
  const double by;
  LARDER_FIELDS(by)
  std::vector<double> operator()(double x) const {
    ++calls;
    return {x + by};
  }
};

/// The table is looked at and is no state; its number is.
struct lookup {
  std::int32_t number;
  const std::map<int, double>* table;
  friend void hash_append(larder::hasher& h, const lookup& l) { h(l.number); }
  std::vector<double> operator()(int key) const { return {table->at(key)}; }
};

struct token {
  std::int32_t number;
  std::unique_ptr<int> handle;
  friend void hash_append(larder::hasher& h, const token& t) { h(t.number); }
};

struct shape {
  virtual ~shape() = default;
};
struct square final : shape {
  double side = 1;
  LARDER_FIELDS(side)
};

}  // namespace cached

namespace {

std::string arguments_in(const fs::path& cache) {
  const auto entries = entries_in(cache);
  REQUIRE(entries.size() == 1);
  return larder::inspect(entries[0]).metadata;
}

}  // namespace

TEST_CASE("a file as an argument is computed once for its content, wherever it lies") {
  scratch_dir dir;
  const auto f = memory(dir / "cache")
                     .cache("lengths",
                            [](const file_content& in) {
                              ++calls;
                              return std::vector{read_file(in.path()).size()};
                            },
                            {.version = "1"});
  write_file(dir / "a", "content");
  write_file(dir / "b", "content");
  calls = 0;
  CHECK(f(file_content(dir / "a"))[0] == 7);
  CHECK(f.evaluate(file_content(dir / "b")).how == outcome::hit);
  CHECK(calls == 1);
  CHECK_THAT(arguments_in(dir / "cache"), ContainsSubstring("file_content(\\\"" + (dir / "a").string()));
  write_file(dir / "b", "content, and more");
  CHECK(f(file_content(dir / "b"))[0] == 17);
  CHECK(calls == 2);
  CHECK_THROWS_AS(f(file_content(dir / "missing")), larder::io_error);
}

TEST_CASE("several files are an argument, and the metadata names them") {
  scratch_dir dir;
  const auto f = memory(dir / "cache")
                     .cache("lengths",
                            [](const std::vector<file_content>& in, double) {
                              std::vector<std::uint64_t> sizes;
                              for (const auto& each : in) {
                                sizes.push_back(fs::file_size(each.path()));
                              }
                              return sizes;
                            },
                            {.version = "1"});
  write_file(dir / "a", "a");
  write_file(dir / "b", "bb");
  const std::vector both{file_content(dir / "a"), file_content(dir / "b")};
  CHECK(f(both, 0.5) == std::vector<std::uint64_t>{1, 2});
  CHECK(f.evaluate(both, 0.5).how == outcome::hit);
  CHECK(f.key({both[1], both[0]}, 0.5) != f.key(both, 0.5));
  CHECK_THAT(arguments_in(dir / "cache"),
             ContainsSubstring("{file_content(\\\"" + (dir / "a").string() + "\\\"), file_content(\\\"" +
                               (dir / "b").string() + "\\\")}, 0.5"));
}

TEST_CASE("const member functions are cached, with the object as the first argument") {
  scratch_dir dir;
  memory mem(dir / "cache");
  const auto f = mem.cache("apply", &cached::filter::apply, {.version = "1"});
  const std::vector<double> x{1, 2};
  calls = 0;
  CHECK(f(cached::filter{3}, x) == std::vector<double>{3, 6});
  CHECK(f.evaluate(cached::filter{3}, x).how == outcome::hit);
  CHECK(f(cached::filter{4}, x) == std::vector<double>{4, 8});
  CHECK(calls == 2);
  CHECK(mem.cache("noexcept", &cached::filter::apply_noexcept, {.version = "1"})(cached::filter{2}, 3)[0] ==
        6);
  CHECK(mem.cache("lvalue", &cached::filter::apply_lvalue, {.version = "1"})(cached::filter{2}, 3)[0] == 6);
}

TEST_CASE("a functor's state is part of the key") {
  scratch_dir dir;
  memory mem(dir / "cache");
  const auto by_one = mem.cache("shift", cached::shift(1), {.version = "1"});
  const auto by_two = mem.cache("shift", cached::shift(2), {.version = "1"});
  CHECK(by_one(5)[0] == 6);
  CHECK(by_two(5)[0] == 7);
  CHECK(by_one.key(5) == mem.cache("shift", cached::shift(1), {.version = "1"}).key(5));
  CHECK(mem.cache("shift", cached::shift(1), {.version = "1"}).evaluate(5).how == outcome::hit);

  const std::map<int, double> table{{1, 0.5}};
  const auto one = mem.cache("lookup", cached::lookup{1, &table}, {.version = "1"});
  CHECK(one(1)[0] == 0.5);
  CHECK(one.key(1) == mem.cache("lookup", cached::lookup{1, nullptr}, {.version = "1"}).key(1));
  CHECK(one.key(1) != mem.cache("lookup", cached::lookup{2, &table}, {.version = "1"}).key(1));
}

TEST_CASE("a span is keyed as the vector of its elements, and is readable as an array") {
  scratch_dir dir;
  memory mem(dir / "cache");
  const auto take = [](std::span<const double> x, std::span<const std::string> names) {
    return std::vector<double>{x[0], static_cast<double>(names.size())};
  };
  const auto f = mem.cache("take", take, {.version = "1"});
  const std::vector<double> x{1, 2, 3};
  const std::vector<std::string> names{"a", "b"};
  CHECK(f(x, names) == std::vector<double>{1, 2});
  CHECK(f.evaluate(array<double>::from(std::span(x), {3}).flat(), names).how == outcome::hit);
  CHECK(f.key(std::span(x).first(2), names) != f.key(x, names));
  CHECK_THAT(arguments_in(dir / "cache"), ContainsSubstring("array<f64>(3,), {\\\"a\\\", \\\"b\\\"}"));
  // A name stands for one signature in a directory.
  const auto g = memory(dir / "other")
                     .cache<std::vector<double>(const std::vector<double>&, const std::vector<std::string>&)>(
                         "take", take, {.version = "1"});
  CHECK(g.key(x, names) == f.key(x, names));
}

TEST_CASE("a type with hash_append is an argument, and so is what is made of it") {
  scratch_dir dir;
  const auto f = memory(dir / "cache")
                     .cache("number",
                            [](const cached::token& one, const std::optional<cached::token>& other) {
                              return std::vector<std::int32_t>{one.number, other ? other->number : 0};
                            },
                            {.version = "1"});
  CHECK(f({7, nullptr}, std::nullopt)[0] == 7);
  CHECK(f.evaluate({7, std::make_unique<int>(1)}, std::nullopt).how == outcome::hit);
  CHECK_FALSE(f.check_call_in_cache({8, nullptr}, std::nullopt));
  CHECK_FALSE(f.check_call_in_cache({7, nullptr}, cached::token{7, nullptr}));
  CHECK_THAT(arguments_in(dir / "cache"), ContainsSubstring("\"cached::token, optional\""));
}

TEST_CASE("what can be cached, with which parameters and results, is a concept each") {
  using namespace larder::detail;
  STATIC_REQUIRE(cacheable_function<decltype(&ramp)>);
  STATIC_REQUIRE(cacheable_function<decltype(&cached::filter::apply)>);
  STATIC_REQUIRE(cacheable_function<cached::shift>);
  STATIC_REQUIRE_FALSE(cacheable_function<std::function<double(double)>>);
  const auto capturing = [n = 5](int) { return n; };
  STATIC_REQUIRE_FALSE(cacheable_function<std::remove_cv_t<decltype(capturing)>>);
  STATIC_REQUIRE(may_change_itself<decltype(&cached::filter::set), cached::filter&, double>);

  STATIC_REQUIRE(cacheable_parameter<std::span<const double>>);
  STATIC_REQUIRE(cacheable_parameter<std::vector<file_content>&&>);
  STATIC_REQUIRE(cacheable_parameter<const cached::square&>);
  STATIC_REQUIRE_FALSE(cacheable_parameter<std::span<double>>);
  STATIC_REQUIRE_FALSE(cacheable_parameter<std::vector<double>&>);
  STATIC_REQUIRE_FALSE(cacheable_parameter<const char*>);
  STATIC_REQUIRE_FALSE(cacheable_parameter<const cached::shape&>);

  STATIC_REQUIRE(cacheable_result<std::map<std::string, array<const double>>>);
  STATIC_REQUIRE_FALSE(cacheable_result<void>);
  STATIC_REQUIRE_FALSE(cacheable_result<int&>);
  STATIC_REQUIRE_FALSE(cacheable_result<const int>);
  STATIC_REQUIRE_FALSE(cacheable_result<std::string_view>);
  STATIC_REQUIRE_FALSE(cacheable_result<file_content>);
}
