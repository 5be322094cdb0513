// Types with a key of their own, and views: what they put into hashes, alone and within other values.

#include <larder/hash.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include <larder/array.hpp>
#include <larder/dump.hpp>
#include <larder/error.hpp>
#include <larder/fields.hpp>
#include <larder/load.hpp>

#include "tests/catch.hpp"
#include "tests/counted.hpp"
#include "tests/hash_bytes.hpp"
#include "tests/scratch_dir.hpp"

using namespace hash_bytes;
using larder::array;
using larder::hash;
using larder::hashable;
using larder::storable;
using namespace std::string_literals;

namespace keyed {

/// Not storable, neither copied nor made without a value; its mutex is no content.
struct sample {
  explicit sample(std::int32_t n) : number(n) {}
  std::int32_t number;
  std::string label = "two";
  mutable std::mutex guard{};
  friend void hash_append(larder::hasher& h, const sample& s) { h(s.number, s.label); }
};

/// Storable, but a part of it does not count.
struct point {
  std::int32_t x = 0;
  double seconds_spent = 0;
  LARDER_FIELDS(x, seconds_spent)
  bool operator==(const point&) const = default;
};
void hash_append(larder::hasher& h, const point& p) { h(p.x); }

struct rgb {
  std::uint8_t r, g, b;
};
void hash_append(larder::hasher& h, const rgb& c) { h(c.g); }

enum class level : std::uint8_t { low = 1, also_low = 2, high = 3 };
void hash_append(larder::hasher& h, level l) { h(l == level::high); }

template <class T>
struct boxed {
  T value;
  friend void hash_append(larder::hasher& h, const boxed& b) { h(b.value); }
};

struct holder {
  explicit holder(std::int32_t n) : limit(n), one(n) {}
  const std::int32_t limit;
  sample one;
  LARDER_FIELDS(limit, one)
};

struct base {
  std::int32_t x = 0;
  friend void hash_append(larder::hasher& h, const base& b) { h(b.x); }
};
struct derived : base {
  std::int32_t y = 0;
};
struct derived_fields : base {
  std::int32_t y = 0;
  LARDER_FIELDS(x, y)
};
struct derived_own : base {
  std::int32_t y = 0;
  friend void hash_append(larder::hasher& h, const derived_own& d) { h(static_cast<const base&>(d), d.y); }
};

struct endless {
  friend void hash_append(larder::hasher& h, const endless& e) { h(e); }
};
struct throwing {
  friend void hash_append(larder::hasher&, const throwing&) { throw std::domain_error("no key"); }
};

struct by_x {
  std::size_t operator()(const point& p) const noexcept { return static_cast<std::size_t>(p.x); }
};

}  // namespace keyed

template <>
inline constexpr bool larder::is_raw<keyed::rgb> = true;
template <>
inline constexpr std::string_view larder::type_name<keyed::boxed<int>> = "boxed int";

TEST_CASE("what hash_append feeds is hashed within the type's name") {
  const std::string two = object("keyed::sample", i32(2) + text("two"));
  CHECK(hash(keyed::sample(2)) == xxh3(two));
  CHECK(hash(1, keyed::sample(2)) == xxh3(seq(2) + i32(1) + two));
  CHECK(hash(keyed::boxed<int>{5}) == xxh3(object("boxed int", i32(5))));
  CHECK(hash(keyed::level::high) == xxh3(object("keyed::level", "b\1")));
  CHECK(hash(keyed::derived_own()) ==
        xxh3(object("keyed::derived_own", object("keyed::base", i32(0)) + i32(0))));
}

TEST_CASE("a type with hash_append is hashed as such wherever it stands") {
  const std::string two = object("keyed::sample", i32(2) + text("two"));
  CHECK(hash(std::make_unique<keyed::sample>(2)) == xxh3("y" + two));
  CHECK(hash(std::make_shared<keyed::sample>(2)) == xxh3("y" + arr(xxh3(two))));
  std::optional<keyed::sample> maybe;
  maybe.emplace(2);
  CHECK(hash(maybe) == xxh3("y" + two));
  CHECK(hash(std::variant<int, keyed::sample>(std::in_place_index<1>, 2)) == xxh3("v" + word(1, 4) + two));
  std::map<int, keyed::sample> by_number;
  by_number.try_emplace(7, 2);
  CHECK(hash(by_number) == xxh3(seq(1) + seq(2) + i32(7) + two));
  std::vector<std::unique_ptr<keyed::sample>> several;
  several.push_back(std::make_unique<keyed::sample>(2));
  CHECK(hash(several) == xxh3(seq(1) + "y" + two));
  const keyed::sample pair[2] = {keyed::sample(2), keyed::sample(2)};
  CHECK(hash(pair) == xxh3(seq(2) + two + two));
  CHECK(hash(std::span(pair)) == xxh3(seq(2) + two + two));
  // Beside constants and what has no default constructor, since nothing is loaded.
  CHECK(hash(keyed::holder(2)) == xxh3(object("keyed::holder", i32(2) + two)));
}

TEST_CASE("of a storable type, too, hash_append decides the hash") {
  STATIC_REQUIRE(storable<keyed::point>);
  const auto point = [](std::int32_t x) { return object("keyed::point", i32(x)); };
  CHECK(hash(keyed::point{1, 0.5}) == xxh3(point(1)));
  CHECK(hash(std::vector<keyed::point>{{1, 0.5}, {2, 1.5}}) == xxh3(seq(2) + point(1) + point(2)));
  CHECK(hash(std::unordered_set<keyed::point, keyed::by_x>{{2, 0.5}, {1, 0.25}}) ==
        xxh3(unordered({point(1), point(2)})));
  CHECK(hash(keyed::level::low) == hash(keyed::level::also_low));

  const std::string green = object("keyed::rgb", "u\1\7");
  CHECK(hash(keyed::rgb{1, 7, 3}) == xxh3(green));
  CHECK(hash(std::vector<keyed::rgb>{{1, 7, 3}, {4, 7, 6}}) == xxh3(seq(2) + green + green));
  CHECK(hash(std::array<keyed::rgb, 1>{{{1, 7, 3}}}) == xxh3(seq(1) + green));
  CHECK(hash(std::span<const keyed::rgb>(std::vector<keyed::rgb>{{1, 7, 3}})) == xxh3(seq(1) + green));
}

TEST_CASE("files hold the whole value, whatever hash_append leaves out") {
  scratch_dir dir;
  const std::unordered_set<keyed::point, keyed::by_x> points{{2, 0.5}, {1, 0.25}};
  larder::dump(points, dir / "points");
  CHECK(larder::load<std::unordered_set<keyed::point, keyed::by_x>>(dir / "points") == points);
  larder::dump(std::vector<keyed::rgb>{{1, 7, 3}}, dir / "colours");
  CHECK(larder::load<std::vector<keyed::rgb>>(dir / "colours").at(0).r == 1);
}

TEST_CASE("a hash_append for another type is none for this one") {
  STATIC_REQUIRE(hashable<keyed::base>);
  STATIC_REQUIRE_FALSE(hashable<keyed::derived>);
  CHECK(hash(keyed::derived_fields()) == xxh3(object("keyed::derived_fields", i32(0) + i32(0))));
  STATIC_REQUIRE(hashable<keyed::derived_own>);
  keyed::derived_own other;
  other.y = 1;
  CHECK(hash(other) != hash(keyed::derived_own()));
}

TEST_CASE("hashable looks into containers, pointers, structs and views") {
  STATIC_REQUIRE_FALSE(storable<keyed::sample>);
  STATIC_REQUIRE(hashable<keyed::sample>);
  STATIC_REQUIRE(hashable<std::map<std::string, std::vector<std::optional<keyed::holder>>>>);
  STATIC_REQUIRE_FALSE(storable<keyed::holder>);
  STATIC_REQUIRE(hashable<std::pair<const keyed::base, std::string_view>>);
  STATIC_REQUIRE(hashable<std::span<const std::span<const double>>>);
  STATIC_REQUIRE(hashable<std::vector<std::string_view>>);
  STATIC_REQUIRE_FALSE(storable<std::vector<std::string_view>>);
  STATIC_REQUIRE_FALSE(hashable<std::vector<std::thread>>);
  STATIC_REQUIRE_FALSE(hashable<std::span<std::thread>>);
  STATIC_REQUIRE_FALSE(hashable<std::pair<keyed::sample, double*>>);
  STATIC_REQUIRE_FALSE(hashable<const char*>);
}

TEST_CASE("a span is hashed as the vector of its elements") {
  const std::vector<double> v{1, 2, 3};
  CHECK(hash(std::span(v)) == hash(v));
  CHECK(hash(std::span<const double, 3>(v)) == hash(v));
  CHECK(hash(std::span<const double>()) == hash(std::vector<double>()));
  CHECK(hash(std::span(v).subspan(1), 5) == hash(std::vector<double>{2, 3}, 5));
  CHECK(hash(std::pair(std::span(v), 1)) == hash(std::pair(v, 1)));
  const std::vector<double> large(std::size_t{1} << 20, 1.5);  // of several chunks
  CHECK(hash(std::span(large)) == hash(large));
  const std::vector<std::string> words{"a", "", "bc"};
  CHECK(hash(std::span(words)) == hash(words));
  const std::vector<char> letters{'a', 'b'};
  CHECK(hash(std::span(letters)) == hash(letters));
  const std::vector<std::byte> bytes{std::byte{1}};
  CHECK(hash(std::span(bytes)) == hash(bytes));
  const array<bool> flags({3});
  CHECK(hash(std::span<const bool>(flags.flat())) == hash(flags));
  const std::vector<std::string_view> views{"a", "", "bc"};
  CHECK(hash(views) == hash(words));
}

TEST_CASE("a hash_append that leads in a circle is a value_error, and what one throws passes through") {
  CHECK_THROWS_AS(hash(keyed::endless()), larder::value_error);
  CHECK_THROWS_AS(hash(std::vector<keyed::throwing>(2)), std::domain_error);
}

// A cache that one release fills is read by the next: these must never change.
TEST_CASE("the digests of types with hash_append are those of every release") {
  CHECK(hash(keyed::sample(2)).hex() == "e986250e6d801d7831cb799f497d4578");
  CHECK(hash(std::vector<keyed::point>{{1, 0.5}, {2, 1.5}}).hex() == "f35c12a9a080b1975dc8e06beedd2255");
}
