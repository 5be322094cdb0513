// Objects come back as they were: each type that the library stores by itself.

#include <larder/dump.hpp>
#include <larder/load.hpp>

#include <array>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
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
#include "tests/round_trip.hpp"
#include "tests/scratch_dir.hpp"

namespace objects {

enum class colour : std::uint8_t { red = 1, green = 200 };
enum class offset : std::int64_t { far = std::numeric_limits<std::int64_t>::min() };
enum class letter : char { a = 'a', z = 'z' };
enum class answer : bool { no, yes };
enum plain { plain_none, plain_some = -7 };

struct rgb {
  std::uint8_t r, g, b;
  friend bool operator==(const rgb&, const rgb&) = default;
};

class account {
 public:
  account() = default;
  account(std::string owner, std::int64_t balance) : owner_(std::move(owner)), balance_(balance) {}
  int not_stored = 3;
  friend bool operator==(const account&, const account&) = default;

 private:
  std::string owner_;
  std::int64_t balance_ = 0;
  LARDER_FIELDS(owner_, balance_)
};

namespace inner {
struct point {
  double x = 0, y = 0;
  friend bool operator==(const point&, const point&) = default;
  LARDER_FIELDS(x, y)
};
}  // namespace inner

struct path_of_points {
  std::string name;
  std::vector<inner::point> points;
  std::map<std::string, std::optional<inner::point>> marks;
  friend bool operator==(const path_of_points&, const path_of_points&) = default;
  LARDER_FIELDS(name, points, marks)
};

struct point3 : inner::point {
  double z = 0;
  friend bool operator==(const point3&, const point3&) = default;
  LARDER_FIELDS(x, y, z)
};

struct with_c_arrays {
  int numbers[3] = {};
  char tag[4] = {};
  inner::point corners[2][2] = {};
  rgb palette[2] = {};
  bool flags[5] = {};
  LARDER_FIELDS(numbers, tag, corners, palette, flags)
};

template <class T>
struct box {
  T held{};
  friend bool operator==(const box&, const box&) = default;
  LARDER_FIELDS(held)
};

struct empty {
  friend bool operator==(const empty&, const empty&) = default;
};

struct list_node {
  int value = 0;
  std::unique_ptr<list_node> next;
  LARDER_FIELDS(value, next)
};

struct tree {
  std::string label;
  std::vector<tree> children;
  std::map<std::string, tree> named;
  friend bool operator==(const tree&, const tree&) = default;
  LARDER_FIELDS(label, children, named)
};

struct graph_node {
  int value = 0;
  std::vector<std::shared_ptr<graph_node>> out;
  LARDER_FIELDS(value, out)
};

struct move_only {
  move_only() = default;
  explicit move_only(int n) : n_(std::make_unique<int>(n)) {}
  int n() const { return *n_; }

 private:
  std::unique_ptr<int> n_;
  LARDER_FIELDS(n_)
};

}  // namespace objects

template <>
inline constexpr bool larder::is_raw<objects::rgb> = true;

namespace {

struct hidden {
  int n = 0;
  friend bool operator==(const hidden&, const hidden&) = default;
  LARDER_FIELDS(n)
};

template <class T>
void comes_back(const T& value) {
  CHECK(round_trip(value) == value);
  CHECK(round_trip(value, {.compress = 3}) == value);
}

}  // namespace

TEMPLATE_TEST_CASE("numbers come back with their extremes", "", signed char, unsigned char, short,
                   unsigned short, int, unsigned, long, unsigned long, long long, unsigned long long, float,
                   double) {
  using limits = std::numeric_limits<TestType>;
  for (const TestType v : {limits::min(), limits::max(), limits::lowest(), TestType{1}}) comes_back(v);
}

TEST_CASE("a number's bits come back") {
  CHECK(std::bit_cast<std::uint64_t>(round_trip(std::bit_cast<double>(0x7ff4dead0000beefU))) ==
        0x7ff4dead0000beefU);
  CHECK(std::signbit(round_trip(-0.0)));
}

TEST_CASE("bool, char, byte, enumerations and strings come back") {
  comes_back(true);
  comes_back(false);
  for (int c = -128; c < 128; ++c) CHECK(round_trip(static_cast<char>(c)) == static_cast<char>(c));
  comes_back(std::byte{0xff});
  comes_back(objects::colour::green);
  comes_back(objects::offset::far);
  comes_back(objects::letter::z);
  comes_back(objects::answer::yes);
  comes_back(objects::plain_some);
  comes_back(std::string());
  comes_back(std::string("with\0zero, \xff and \n", 19));
  comes_back(std::string(1000000, 'x'));
}

TEST_CASE("vectors of everything come back") {
  comes_back(std::vector<std::string>{"", "one", std::string(100, 'x')});
  comes_back(std::vector<std::vector<int>>{{1, 2}, {}, {3}});
  comes_back(std::vector<std::vector<std::vector<double>>>{{{1}, {}}, {}, {{2, 3}}});
  comes_back(std::vector<bool>{});
  comes_back(std::vector<bool>{true, false, false, true, true, true, true, true, false});
  comes_back(std::vector<std::vector<bool>>{{true}, {}, {false, true}});
  comes_back(std::vector<char>{'a', '\0', '\xff'});
  comes_back(std::vector<std::byte>(100000, std::byte{7}));
  comes_back(std::vector<objects::colour>{objects::colour::red, objects::colour::green});
  comes_back(std::vector<objects::rgb>{{1, 2, 3}, {255, 0, 255}});
  comes_back(std::vector<std::string>());
  comes_back(std::vector<objects::box<std::int8_t>>(70000, {5}));
}

TEST_CASE("containers of a fixed size come back") {
  comes_back(std::array<int, 3>{1, 2, 3});
  comes_back(std::array<std::string, 2>{"a", "b"});
  comes_back(std::array<std::array<char, 4>, 2>{{{'a', 'b', 'c', 'd'}, {'e', '\0', 'g', 'h'}}});
  comes_back(std::array<std::vector<double>, 2>{{{1, 2}, {}}});
  comes_back(std::array<objects::rgb, 2>{{{1, 2, 3}, {4, 5, 6}}});
  comes_back(std::pair<int, std::string>(1, "x"));
  comes_back(std::tuple<>());
  comes_back(std::tuple<int, std::string, std::pair<bool, double>>(1, "x", {true, 0.5}));
}

TEST_CASE("C arrays in structs come back") {
  objects::with_c_arrays v;
  v.numbers[2] = -5;
  v.tag[0] = 'n';  // not a text: nothing ends it
  v.tag[3] = 'x';
  v.corners[1][0] = {1, 2};
  v.palette[1] = {7, 8, 9};
  v.flags[4] = true;
  const auto back = round_trip(v);
  CHECK(std::to_array(back.numbers) == std::to_array(v.numbers));
  CHECK(std::to_array(back.tag) == std::to_array(v.tag));
  CHECK(back.corners[1][0] == v.corners[1][0]);
  CHECK(back.corners[1][1] == objects::inner::point{});
  CHECK(back.palette[1] == v.palette[1]);
  CHECK(std::to_array(back.flags) == std::to_array(v.flags));
}

TEST_CASE("optional and variant come back with what they hold and without") {
  comes_back(std::optional<std::string>());
  comes_back(std::optional<std::string>("x"));
  comes_back(std::optional<std::optional<int>>(std::optional<int>()));
  comes_back(std::optional<std::optional<int>>());
  using choice = std::variant<std::monostate, int, std::string, std::vector<double>, int>;
  comes_back(choice());
  comes_back(choice(std::in_place_index<1>, 5));
  comes_back(choice("text"));
  comes_back(choice(std::vector<double>{1, 2}));
  comes_back(choice(std::in_place_index<4>, 5));
  CHECK(round_trip(choice(std::in_place_index<4>, 5)).index() == 4);
  comes_back(std::monostate());
}

TEST_CASE("maps and sets come back") {
  comes_back(std::map<std::string, int>{{"", 0}, {"a", 1}, {"b", 2}});
  comes_back(std::map<int, std::map<int, std::set<std::string>>>{{1, {{2, {"x", "y"}}, {3, {}}}}, {4, {}}});
  comes_back(std::set<std::pair<int, std::string>>{{1, "a"}, {1, "b"}});
  comes_back(std::multiset<int>{3, 1, 3, 3});
  comes_back(std::unordered_set<std::string>{"a", "b", "c"});
  comes_back(std::unordered_map<int, std::vector<std::string>>{{1, {"x"}}, {-5, {}}});
  comes_back(std::unordered_multiset<int>{3, 1, 3, 3});
  comes_back(std::unordered_multimap<int, std::string>{{1, "a"}, {1, "b"}, {1, "a"}, {2, "c"}});
  comes_back(std::map<int, int>());
  comes_back(std::unordered_map<int, int>());
  std::map<int, double, std::greater<>> descending{{1, 0.5}, {3, 1.5}, {2, 2.5}};
  comes_back(descending);
  std::unordered_map<std::int64_t, std::int64_t> large;
  for (std::int64_t i = 0; i < 20000; ++i) large[i * 7919] = -i;
  comes_back(large);
}

TEST_CASE("equal keys of a multimap keep their order") {
  const std::multimap<int, std::string> m{{2, "x"}, {1, "second"}, {1, "first"}, {1, "second"}};
  comes_back(m);
}

TEST_CASE("deque, list and chrono come back by way of their headers") {
  comes_back(std::deque<std::string>{"a", "b"});
  comes_back(std::list<std::vector<int>>{{1}, {}, {2, 3}});
  comes_back(std::deque<int>());
  comes_back(std::chrono::nanoseconds(-5));
  comes_back(std::chrono::duration<double, std::milli>(0.25));
  comes_back(std::chrono::system_clock::now());
  comes_back(std::map<std::chrono::seconds, std::list<int>>{{std::chrono::seconds(3), {1}}});
}

TEST_CASE("structs come back by the fields that they name") {
  const objects::account a("Ada", -3);
  CHECK(round_trip(a) == a);
  objects::account other("Ada", -3);
  other.not_stored = 99;
  CHECK(round_trip(other).not_stored == 3);
  comes_back(objects::path_of_points{"p", {{1, 2}, {3, 4}}, {{"a", {{5, 6}}}, {"b", std::nullopt}}});
  objects::point3 p;
  p.x = 1;
  p.z = 3;
  comes_back(p);
  comes_back(hidden{5});
  comes_back(objects::box<objects::box<std::string>>{{"x"}});
  comes_back(objects::rgb{1, 2, 3});
  comes_back(std::vector<objects::account>{{"a", 1}, {"b", 2}});
}

TEST_CASE("lists and trees of unique pointers come back") {
  objects::list_node list{1, std::make_unique<objects::list_node>()};
  list.next->value = 2;
  list.next->next = std::make_unique<objects::list_node>();
  const auto back = round_trip(list);
  CHECK(back.value == 1);
  REQUIRE(back.next);
  CHECK(back.next->value == 2);
  REQUIRE(back.next->next);
  CHECK_FALSE(back.next->next->next);

  comes_back(objects::tree{"root", {{"a", {{"aa", {}, {}}}, {}}, {"b", {}, {}}}, {{"key", {"c", {}, {}}}}});
  CHECK(*round_trip(std::make_unique<std::string>("x")) == "x");
  CHECK_FALSE(round_trip(std::unique_ptr<std::string>()));
  CHECK(**round_trip(std::make_unique<std::unique_ptr<int>>(std::make_unique<int>(4))) == 4);
}

TEST_CASE("what can only be moved comes back") {
  CHECK(round_trip(objects::move_only(5)).n() == 5);
  std::vector<objects::move_only> v;
  v.emplace_back(1);
  v.emplace_back(2);
  const auto back = round_trip(v);
  REQUIRE(back.size() == 2);
  CHECK(back[1].n() == 2);
  std::map<std::string, std::unique_ptr<double>> m;
  m["pi"] = std::make_unique<double>(3.14);
  m["none"] = nullptr;
  const auto map_back = round_trip(m);
  CHECK(*map_back.at("pi") == 3.14);
  CHECK_FALSE(map_back.at("none"));
}

TEST_CASE("what shared pointers share is shared again") {
  const auto leaf = std::make_shared<objects::graph_node>();
  leaf->value = 7;
  objects::graph_node root{1, {leaf, nullptr, leaf, std::make_shared<objects::graph_node>()}};
  root.out[3]->out = {leaf};
  const auto back = round_trip(root);
  REQUIRE(back.out.size() == 4);
  CHECK(back.out[0]->value == 7);
  CHECK_FALSE(back.out[1]);
  CHECK(back.out[0] == back.out[2]);
  CHECK(back.out[3] != back.out[0]);
  CHECK(back.out[3]->out.at(0) == back.out[0]);
  CHECK(back.out[0].use_count() == 3);
}

TEST_CASE("pointers to const share with pointers that are not") {
  const auto text = std::make_shared<std::string>("x");
  using both = std::tuple<std::shared_ptr<const std::string>, std::shared_ptr<std::string>,
                          std::shared_ptr<const std::string>>;
  const auto [a, b, c] = round_trip(both(text, text, std::make_shared<std::string>("x")));
  CHECK(*a == "x");
  CHECK(a == b);
  CHECK(*c == "x");
  CHECK(c != a);
}

TEST_CASE("two types at one address are two things") {
  const auto whole = std::make_shared<objects::box<objects::box<int>>>();
  whole->held.held = 5;
  using all = std::tuple<std::shared_ptr<objects::box<objects::box<int>>>, std::shared_ptr<objects::box<int>>,
                         std::shared_ptr<int>, std::shared_ptr<int>>;
  const std::shared_ptr<objects::box<int>> part(whole, &whole->held);
  const std::shared_ptr<int> number(whole, &whole->held.held);
  const auto [a, b, c, d] = round_trip(all(whole, part, number, number));
  CHECK(a->held.held == 5);
  CHECK(b->held == 5);
  CHECK(*c == 5);
  CHECK(c == d);
}

TEST_CASE("load_if_exists gives an object where there is one") {
  scratch_dir dir;
  CHECK_FALSE(larder::load_if_exists<std::string>(dir / "none"));
  larder::dump(std::string("x"), dir / "some");
  CHECK(larder::load_if_exists<std::string>(dir / "some") == "x");
  larder::dump(std::optional<int>(), dir / "empty");
  const auto found = larder::load_if_exists<std::optional<int>>(dir / "empty");
  REQUIRE(found);
  CHECK_FALSE(*found);
  CHECK_THROWS_AS(larder::load<std::string>(dir / "none"), larder::io_error);
}

TEST_CASE("an array of characters is stored as its characters and not as a text") {
  scratch_dir dir;
  larder::dump("abc", dir / "c");
  CHECK(larder::load<std::array<char, 4>>(dir / "c") == std::array<char, 4>{'a', 'b', 'c', '\0'});
}
