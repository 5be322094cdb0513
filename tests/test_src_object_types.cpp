// What an object's type is called, what else does not load, and where the limits are.

#include <larder/dump.hpp>
#include <larder/hash.hpp>
#include <larder/inspect.hpp>
#include <larder/load.hpp>
#include <larder/storable.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include <larder/error.hpp>
#include <larder/fields.hpp>
#include <larder/types/chrono.hpp>
#include <larder/types/deque.hpp>
#include <larder/types/list.hpp>

#include "tests/catch.hpp"
#include "tests/counted.hpp"
#include "tests/file_bytes.hpp"
#include "tests/round_trip.hpp"
#include "tests/scratch_dir.hpp"

using Catch::Matchers::ContainsSubstring;
using larder::array;
using larder::dump;
using larder::load;
using larder::type_text;

namespace typed {

struct point {
  double x = 0, y = 0;
  LARDER_FIELDS(x, y)
};
struct raw_pair {
  std::uint32_t a, b;
};
struct serialized {
  int n = 0;
  template <class Archive>
  void serialize(Archive& ar) {
    ar(n);
  }
};
template <class T>
struct box {
  T held{};
  LARDER_FIELDS(held)
};
enum class kind : std::int16_t { one };
enum class sign : char { plus = '+' };

// The same type at four times.
struct original {
  int a = 1;
  double b = 2;
  LARDER_FIELDS(a, b)
};
struct renamed_field {
  int a = 1;
  double c = 2;
  LARDER_FIELDS(a, c)
};
struct retyped_field {
  std::uint32_t a = 1;
  double b = 2;
  LARDER_FIELDS(a, b)
};
struct reordered {
  double b = 2;
  int a = 1;
  LARDER_FIELDS(b, a)
};
struct same_fields {
  double unnamed = 0;
  int a = 1;
  double b = 2;
  LARDER_FIELDS(a, b)
};

struct chain {
  std::unique_ptr<chain> next;
  LARDER_FIELDS(next)
};
struct ring {
  std::shared_ptr<ring> next;
  std::vector<std::shared_ptr<ring>> more;
  LARDER_FIELDS(next, more)
};
struct fragile {
  std::string text;
  fragile() = default;
  explicit fragile(int n) { throw n; }
  LARDER_FIELDS(text)
};
struct nothing {
  template <class Archive>
  void serialize(Archive&) {}
};

/// `depth` of them, one within the other.
chain chain_of(int depth) {
  chain top;
  chain* last = &top;
  for (int i = 1; i < depth; ++i) {
    last->next = std::make_unique<chain>();
    last = last->next.get();
  }
  return top;
}

}  // namespace typed

template <>
inline constexpr bool larder::is_raw<typed::raw_pair> = true;
template <>
inline constexpr std::string_view larder::type_name<typed::original> = "record";
template <>
inline constexpr std::string_view larder::type_name<typed::renamed_field> = "record";
template <>
inline constexpr std::string_view larder::type_name<typed::retyped_field> = "record";
template <>
inline constexpr std::string_view larder::type_name<typed::reordered> = "record";
template <>
inline constexpr std::string_view larder::type_name<typed::same_fields> = "record";

namespace {

struct hidden {
  int n = 0;
  LARDER_FIELDS(n)
};

template <class Asked, class Dumped>
void check_mismatch(const Dumped& value, std::string_view asked, std::string_view found) {
  scratch_dir dir;
  for (const int level : {0, 1}) {
    dump(value, dir / "v", {.compress = level});
    try {
      load<Asked>(dir / "v");
      FAIL("loads " << found << " as " << asked);
    } catch (const larder::type_mismatch& e) {
      CHECK(e.code() == larder::format_code::type);
      CHECK(e.path() == (dir / "v").string());
      CHECK(e.expected() == asked);
      CHECK(e.found() == found);
      CHECK_THAT(e.what(), ContainsSubstring(std::string(asked)) && ContainsSubstring(std::string(found)) &&
                               ContainsSubstring("E_TYPE"));
    }
  }
}

}  // namespace

// Files and caches of one release are read by the next: these never change.
TEST_CASE("the canonical type texts are those of every release") {
  CHECK(type_text<std::int8_t>() == "i8");
  CHECK(type_text<int>() == "i32");
  CHECK(type_text<long long>() == "i64");
  CHECK(type_text<unsigned long>() == "u64");
  CHECK(type_text<float>() == "f32");
  CHECK(type_text<bool>() == "bool");
  CHECK(type_text<char>() == "char");
  CHECK(type_text<std::byte>() == "byte");
  CHECK(type_text<typed::kind>() == "i16");
  CHECK(type_text<typed::sign>() == "char");
  CHECK(type_text<std::string>() == "string");
  CHECK(type_text<array<double>>() == "array<f64>");
  CHECK(type_text<array<const double>>() == "array<f64>");
  CHECK(type_text<std::vector<double>>() == "array<f64>");
  CHECK(type_text<std::vector<bool>>() == "vector<bool>");
  CHECK(type_text<std::vector<char>>() == "vector<char>");
  CHECK(type_text<std::vector<std::byte>>() == "vector<byte>");
  CHECK(type_text<std::vector<std::vector<int>>>() == "vector<array<i32>>");
  CHECK(type_text<std::vector<std::string>>() == "vector<string>");
  CHECK(type_text<std::array<int, 3>>() == "fixed_array<i32,3>");
  CHECK(type_text<int[3]>() == "fixed_array<i32,3>");
  CHECK(type_text<char[2][3]>() == "fixed_array<fixed_array<char,3>,2>");
  CHECK(type_text<std::pair<int, std::string>>() == "pair<i32,string>");
  CHECK(type_text<std::tuple<>>() == "tuple");
  CHECK(type_text<std::tuple<int, float>>() == "tuple<i32,f32>");
  CHECK(type_text<std::optional<std::string>>() == "optional<string>");
  CHECK(type_text<std::variant<std::monostate, int>>() == "variant<monostate,i32>");
  CHECK(type_text<std::unique_ptr<int>>() == "unique_ptr<i32>");
  CHECK(type_text<std::shared_ptr<const int>>() == "shared_ptr<i32>");
  CHECK(type_text<std::map<std::string, array<const double>>>() == "map<string,array<f64>>");
  CHECK(type_text<std::map<int, int, std::greater<>>>() == "map<i32,i32>");
  CHECK(type_text<std::multimap<int, int>>() == "multimap<i32,i32>");
  CHECK(type_text<std::set<int>>() == "set<i32>");
  CHECK(type_text<std::multiset<int>>() == "multiset<i32>");
  CHECK(type_text<std::unordered_map<int, int>>() == "unordered_map<i32,i32>");
  CHECK(type_text<std::unordered_multimap<int, int>>() == "unordered_multimap<i32,i32>");
  CHECK(type_text<std::unordered_set<int>>() == "unordered_set<i32>");
  CHECK(type_text<std::unordered_multiset<int>>() == "unordered_multiset<i32>");
  CHECK(type_text<std::deque<std::string>>() == "deque<string>");
  CHECK(type_text<std::list<int>>() == "list<i32>");
  CHECK(type_text<std::chrono::milliseconds>() == "duration<i64,1/1000>");
  CHECK(type_text<std::chrono::sys_seconds>() == "time_point<duration<i64,1/1>>");
  CHECK(type_text<typed::point>() == "typed::point");
  CHECK(type_text<typed::raw_pair>() == "typed::raw_pair<8>");
  CHECK(type_text<typed::serialized>() == "typed::serialized");
  CHECK(type_text<typed::box<int>>() == "typed::box<int>");
  CHECK(type_text<hidden>() == "hidden");
  CHECK(type_text<typed::original>() == "record");
  CHECK(type_text<std::map<int, std::vector<typed::point>>>() == "map<i32,vector<typed::point>>");
}

TEST_CASE("a file says what its value's type is called") {
  scratch_dir dir;
  dump(std::map<int, std::vector<std::string>>(), dir / "m");
  CHECK(larder::inspect(dir / "m").type == "map<i32,vector<string>>");
  dump(std::vector<float>(), dir / "a");
  CHECK(larder::inspect(dir / "a").type == "array<f32>");
  dump(std::vector<float>(), dir / "z", {.compress = 1});
  CHECK(larder::inspect(dir / "z").type == "array<f32>");
}

TEST_CASE("another type than the one in the file is a mismatch that names both") {
  using named = std::map<std::string, array<const double>>;
  check_mismatch<named>(counted({3}), "map<string,array<f64>>", "array<f64>");
  check_mismatch<array<const double>>(named{{"a", counted({3})}}, "array<f64>", "map<string,array<f64>>");
  check_mismatch<std::vector<double>>(named{{"a", counted({3})}}, "array<f64>", "map<string,array<f64>>");
  check_mismatch<array<double>>(std::string("x"), "array<f64>", "string");
  check_mismatch<std::string>(std::vector<std::int8_t>{1, 2}, "string", "array<i8>");
  check_mismatch<array<float>>(counted({3}), "array<f32>", "array<f64>");
  check_mismatch<std::map<std::string, array<float>>>(named{{"a", counted({3})}}, "map<string,array<f32>>",
                                                      "map<string,array<f64>>");
  check_mismatch<std::map<int, int>>(std::unordered_map<int, int>{{1, 2}}, "map<i32,i32>",
                                     "unordered_map<i32,i32>");
  check_mismatch<std::int64_t>(5, "i64", "i32");
  check_mismatch<std::uint32_t>(5, "u32", "i32");
  check_mismatch<std::tuple<int, int>>(std::pair(1, 2), "tuple<i32,i32>", "pair<i32,i32>");
  check_mismatch<std::array<int, 3>>(std::array<int, 4>{}, "fixed_array<i32,3>", "fixed_array<i32,4>");
  check_mismatch<typed::point>(typed::serialized{1}, "typed::point", "typed::serialized");
  check_mismatch<std::chrono::seconds>(std::chrono::milliseconds(5), "duration<i64,1/1>",
                                       "duration<i64,1/1000>");
}

TEST_CASE("a file of other fields is a mismatch") {
  constexpr auto other = "record with other fields (LARDER_FIELDS)";
  check_mismatch<typed::renamed_field>(typed::original(), "record", other);
  check_mismatch<typed::retyped_field>(typed::original(), "record", other);
  check_mismatch<typed::reordered>(typed::original(), "record", other);
  check_mismatch<std::vector<typed::retyped_field>>(std::vector<typed::original>(2), "vector<record>",
                                                    "vector<record> with other fields (LARDER_FIELDS)");
  check_mismatch<std::map<int, std::optional<typed::renamed_field>>>(
      std::map<int, std::optional<typed::original>>{{1, typed::original()}}, "map<i32,optional<record>>",
      "map<i32,optional<record>> with other fields (LARDER_FIELDS)");
  scratch_dir dir;
  dump(typed::original{5, 6}, dir / "v");
  const auto same = load<typed::same_fields>(dir / "v");
  CHECK(same.a == 5);
  CHECK(same.b == 6);
}

TEST_CASE("a mismatch inside a type is found before anything is mapped for writing") {
  scratch_dir dir;
  dump(std::map<int, array<double>>{{1, counted({3})}}, dir / "m");
  CHECK_THROWS_AS(
      (load<std::map<int, array<float>>>(dir / "m", {.mmap_mode = larder::mmap_mode::read_write})),
      larder::type_mismatch);
  CHECK(larder::inspect(dir / "m").state == larder::file_state::sealed);
}

TEST_CASE("values of 256 within each other are the deepest") {
  scratch_dir dir;
  dump(typed::chain_of(256), dir / "c");
  int depth = 1;
  const auto back = load<typed::chain>(dir / "c");
  for (const auto* at = &back; at->next; at = at->next.get()) ++depth;
  CHECK(depth == 256);
  CHECK_NOTHROW(larder::hash(typed::chain_of(256)));
  CHECK_THROWS_AS(dump(typed::chain_of(257), dir / "d"), larder::value_error);
  CHECK_THROWS_AS(larder::hash(typed::chain_of(257)), larder::value_error);
  CHECK_THROWS_WITH(dump(typed::chain_of(5000), dir / "d"), ContainsSubstring("256"));
  CHECK(dir.names() == std::vector<std::string>{"c"});
}

TEST_CASE("shared pointers in a circle are refused") {
  scratch_dir dir;
  const auto a = std::make_shared<typed::ring>();
  const auto b = std::make_shared<typed::ring>();
  a->next = b;
  for (const bool far : {false, true}) {
    if (far) {
      b->more = {nullptr, std::make_shared<typed::ring>(), a};
    } else {
      b->next = a;
    }
    CHECK_THROWS_AS(dump(a, dir / "a"), larder::value_error);
    CHECK_THROWS_WITH(dump(*a, dir / "a"), ContainsSubstring("circle"));
    CHECK_THROWS_AS(larder::hash(a), larder::value_error);
    CHECK_THROWS_WITH(larder::hash(*a), ContainsSubstring("circle"));
    b->next = nullptr;
    b->more.clear();
  }
  CHECK(dir.names().empty());
  a->more = {b, b, b};  // often the same is no circle
  CHECK_NOTHROW(dump(a, dir / "a"));
}

TEST_CASE("what is shared over and over takes no longer for it") {
  auto bottom = std::make_shared<typed::ring>();
  for (int i = 0; i < 100; ++i) {  // 2^100 ways down
    auto top = std::make_shared<typed::ring>();
    top->next = bottom;
    top->more = {bottom};
    bottom = top;
  }
  const auto back = round_trip(bottom);
  CHECK(back->next == back->more.at(0));
  CHECK(larder::hash(back) == larder::hash(bottom));
}

TEST_CASE("dump refuses options that do not go together and names them") {
  scratch_dir dir;
  const auto path = dir / "v";
  const std::string object = "x";
  const auto a = counted({3});
  for (const int level : {-1, 20, 1000}) {
    CHECK_THROWS_AS(dump(object, path, {.compress = level}), larder::value_error);
    CHECK_THROWS_WITH(dump(a, path, {.compress = level}),
                      ContainsSubstring("compress = " + std::to_string(level)));
    CHECK_THROWS_WITH(dump(object, path, {.compress = level}), ContainsSubstring("19"));
  }
  CHECK_THROWS_AS(dump(object, path, {.bare_npy = true}), larder::value_error);
  CHECK_THROWS_WITH(dump(object, path, {.bare_npy = true}),
                    ContainsSubstring("bare_npy") && ContainsSubstring("string"));
  CHECK_THROWS_WITH(dump(a, path, {.compress = 3, .bare_npy = true}),
                    ContainsSubstring("bare_npy") && ContainsSubstring("compress"));
  CHECK(dir.names().empty());
}

TEST_CASE("elements that hold nothing are stored up to a number") {
  scratch_dir dir;
  dump(std::vector<typed::nothing>(65536), dir / "v");
  CHECK(load<std::vector<typed::nothing>>(dir / "v").size() == 65536);
  CHECK_THROWS_AS(dump(std::vector<typed::nothing>(65537), dir / "w"), larder::value_error);
  CHECK(dir.names() == std::vector<std::string>{"v"});
}

TEST_CASE("a variant that holds nothing is an error") {
  std::variant<std::string, typed::fragile> v("x");
  try {
    v.emplace<1>(5);
  } catch (int) {
  }
  REQUIRE(v.valueless_by_exception());
  scratch_dir dir;
  CHECK_THROWS_AS(dump(v, dir / "v"), larder::value_error);
  CHECK_THROWS_WITH(larder::hash(v), ContainsSubstring("variant"));
  CHECK(dir.names().empty());
}

TEST_CASE("the text of a template does not depend on how a compiler spells its arguments") {
  CHECK(type_text<typed::box<short>>() == "typed::box<short>");
  CHECK(type_text<typed::box<unsigned short>>() == "typed::box<unsigned short>");
  CHECK(type_text<typed::box<long>>() == "typed::box<long>");
  CHECK(type_text<typed::box<unsigned long>>() == "typed::box<unsigned long>");
  CHECK(type_text<typed::box<unsigned long long>>() == "typed::box<unsigned long long>");
  CHECK(type_text<typed::box<typed::box<int>>>() == "typed::box<typed::box<int>>");
}

TEST_CASE("a container whose order, hash or equality has state is not storable") {
  using ordered = bool (*)(int, int);
  struct stateful {
    int modulus = 10;
    bool operator()(int a, int b) const { return a % modulus < b % modulus; }
    std::size_t operator()(int a) const { return static_cast<std::size_t>(a % modulus); }
  };
  STATIC_REQUIRE(larder::storable<std::set<int, std::greater<>>>);
  STATIC_REQUIRE_FALSE(larder::storable<std::set<int, ordered>>);
  STATIC_REQUIRE_FALSE(larder::storable<std::map<int, int, ordered>>);
  STATIC_REQUIRE_FALSE(larder::storable<std::vector<std::multiset<int, stateful>>>);
  STATIC_REQUIRE_FALSE(larder::storable<std::unordered_set<int, stateful>>);
  STATIC_REQUIRE_FALSE(larder::storable<std::unordered_map<int, int, std::hash<int>, ordered>>);
}

TEST_CASE("what is const within a vector cannot be loaded and is not storable") {
  STATIC_REQUIRE_FALSE(larder::storable<std::vector<std::pair<const int, int>>>);
  STATIC_REQUIRE_FALSE(larder::storable<std::vector<std::tuple<const int>>>);
  STATIC_REQUIRE(larder::storable<std::map<int, int>>);
}

TEST_CASE("a map of values larger than the stack is loaded") {
  constexpr std::size_t count = 1'500'000;  // 12 MB
  using huge = std::array<double, count>;
  std::map<int, huge> m;
  m[7][count - 1] = 3.5;
  scratch_dir dir;
  dump(m, dir / "m");
  m.clear();
  const auto back = load<std::map<int, huge>>(dir / "m");
  CHECK(back.at(7)[count - 1] == 3.5);
}

TEST_CASE("equal content gives equal bytes whatever the order in which it came about") {
  scratch_dir dir;
  const auto same = [&](const auto& a, const auto& b) {
    dump(a, dir / "a");
    dump(b, dir / "b");
    CHECK(read_file(dir / "a") == read_file(dir / "b"));
    dump(a, dir / "a", {.compress = 3});
    dump(b, dir / "b", {.compress = 3});
    CHECK(read_file(dir / "a") == read_file(dir / "b"));
    CHECK(larder::hash(a) == larder::hash(b));
  };
  std::unordered_map<std::string, std::vector<int>> up, down;
  std::unordered_set<int> set_up, set_down;
  std::unordered_multimap<int, std::string> multi_up, multi_down;
  down.reserve(10000);
  down.max_load_factor(0.1F);
  set_down.reserve(100000);
  for (int i = 0; i < 1000; ++i) {
    up["key " + std::to_string(i)] = {i};
    set_up.insert(i * 31);
    multi_up.emplace(i / 3, std::to_string(i));
    down["key " + std::to_string(999 - i)] = {999 - i};
    set_down.insert((999 - i) * 31);
    multi_down.emplace((999 - i) / 3, std::to_string(999 - i));
  }
  same(up, down);
  same(set_up, set_down);
  same(multi_up, multi_down);
  same(std::vector{up, up}, std::vector{down, up});

  // Nor does it matter where the elements lie.
  const auto a = counted({20, 30});
  same(std::map<int, array<double>>{{1, a}}, std::map<int, array<double>>{{1, a.copy()}});
  same(std::map<int, std::vector<double>>{{1, std::vector<double>(9000)}},
       std::map<int, std::vector<double>>{{1, std::vector<double>(9000)}});
}
