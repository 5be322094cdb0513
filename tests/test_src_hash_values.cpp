// The hashes of values of every type: the bytes behind them, composed here from docs/format.md and xxhash alone, and
// the digests themselves.

#include <larder/hash.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <list>
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

#include <larder/array.hpp>
#include <larder/fields.hpp>
#include <larder/types/chrono.hpp>
#include <larder/types/deque.hpp>
#include <larder/types/list.hpp>

#include "tests/catch.hpp"
#include "tests/counted.hpp"
#include "tests/hash_bytes.hpp"
#include "tests/npy_bytes.hpp"

using larder::array;
using larder::digest;
using namespace hash_bytes;
using namespace std::string_literals;

namespace hashed {

enum class colour : std::uint8_t { green = 200 };

struct point {
  std::int32_t x = 1;
  std::string y = "two";
  LARDER_FIELDS(x, y)
};
struct other_point {
  std::int32_t x = 1;
  std::string y = "two";
  LARDER_FIELDS(x, y)
};
struct renamed {
  std::int32_t a = 1;
  std::string b = "two";
  LARDER_FIELDS(a, b)
};
struct nested {
  point p;
  std::vector<std::int16_t> v{1, 2};
  LARDER_FIELDS(p, v)
};
struct rgb {
  std::uint8_t r, g, b;
};
struct versioned {
  std::int32_t n = 5;
  template <class Archive>
  void serialize(Archive& ar, std::uint32_t) {
    ar(n);
  }
};
struct graph {
  std::shared_ptr<std::string> a, b;
  LARDER_FIELDS(a, b)
};

}  // namespace hashed

CEREAL_CLASS_VERSION(hashed::versioned, 3)
template <>
inline constexpr bool larder::is_raw<hashed::rgb> = true;
template <>
inline constexpr std::string_view larder::type_name<hashed::renamed> = "hashed::point";

namespace {

template <class T>
digest vector_digest(const std::vector<T>& v) {
  return xxh3(npy_header(descr_of<T>(), false, {v.size()}) + bytes_of(v));
}

}  // namespace

TEST_CASE("every kind of value is hashed as the stream of bytes that the format lays down") {
  using larder::hash;
  CHECK(hash('a') == xxh3(run(1, 1, "a")));
  CHECK(hash(std::byte{7}) == xxh3(run(1, 1, "\7")));
  CHECK(hash(hashed::colour::green) == xxh3("u\1\xc8"));
  CHECK(hash(-1.5) == xxh3("f\x8"s + word(0xbff8000000000000)));

  CHECK(hash(std::vector<std::string>{"a", ""}) == xxh3(seq(2) + text("a") + text("")));
  CHECK(hash(std::deque<int>{5}) == xxh3(seq(1) + i32(5)));
  CHECK(hash(std::list<int>{5}) == xxh3(seq(1) + i32(5)));
  CHECK(hash(std::vector<bool>{true, false}) == xxh3(seq(2) + "b\1b\0"s));
  CHECK(hash(std::vector<char>{'a', 'b'}) == xxh3(arr(vector_digest(std::vector<std::uint8_t>{'a', 'b'}))));
  CHECK(hash(std::vector<std::byte>{}) == xxh3(arr(vector_digest(std::vector<std::uint8_t>{}))));
  CHECK(hash(hashed::rgb{1, 2, 3}) == xxh3(run(1, 3, "\1\2\3")));
  CHECK(hash(std::vector<hashed::rgb>{{1, 2, 3}, {4, 5, 6}}) == xxh3(seq(2) + run(2, 3, "\1\2\3\4\5\6")));
  CHECK(hash(std::array<char, 2>{'a', 'b'}) == xxh3(run(2, 1, "ab")));
  CHECK(hash(std::array<int, 2>{1, 2}) == xxh3(seq(2) + i32(1) + i32(2)));
  CHECK(hash(std::pair(1, "x"s)) == xxh3(seq(2) + i32(1) + text("x")));
  CHECK(hash(std::tuple(1, 2, true)) == xxh3(seq(3) + i32(1) + i32(2) + "b\1"));
  CHECK(hash(std::tuple<>()) == xxh3(seq(0)));
  CHECK(hash(std::monostate()) == xxh3(seq(0)));

  CHECK(hash(std::optional<int>()) == xxh3("n"));
  CHECK(hash(std::optional<int>(5)) == xxh3("y" + i32(5)));
  CHECK(hash(std::unique_ptr<int>()) == xxh3("n"));
  CHECK(hash(std::make_unique<int>(5)) == xxh3("y" + i32(5)));
  CHECK(hash(std::shared_ptr<int>()) == xxh3("n"));
  CHECK(hash(std::make_shared<int>(5)) == xxh3("y" + arr(xxh3(i32(5)))));
  CHECK(hash(std::variant<int, std::string>("x")) == xxh3("v" + word(1, 4) + text("x")));

  CHECK(hash(std::map<int, std::string>{{2, "b"}, {1, "a"}}) ==
        xxh3(seq(2) + seq(2) + i32(1) + text("a") + seq(2) + i32(2) + text("b")));
  CHECK(hash(std::multimap<int, int>{{1, 5}, {1, 4}}) ==
        xxh3(seq(2) + seq(2) + i32(1) + i32(5) + seq(2) + i32(1) + i32(4)));
  CHECK(hash(std::set<int>{2, 1}) == xxh3(seq(2) + i32(1) + i32(2)));
  CHECK(hash(std::unordered_set<int>{1, 2, 3}) == xxh3(unordered({i32(1), i32(2), i32(3)})));
  CHECK(hash(std::unordered_map<int, std::string>{{1, "a"}, {2, "b"}}) ==
        xxh3(unordered({seq(2) + i32(1) + text("a"), seq(2) + i32(2) + text("b")})));
  CHECK(hash(std::unordered_multiset<int>{1, 1}) == xxh3(unordered({i32(1), i32(1)})));
  CHECK(hash(std::unordered_set<int>()) == xxh3(unordered({})));

  const std::vector<std::int16_t> v{1, 2};
  CHECK(hash(v) == vector_digest(v));
  CHECK(hash(std::vector{v, {}}) ==
        xxh3(seq(2) + arr(vector_digest(v)) + arr(vector_digest(std::vector<std::int16_t>()))));
  const std::vector<double> large(100000, 1.5);
  CHECK(hash(std::optional(large)) == xxh3("y" + arr(vector_digest(large))));
  CHECK(hash(std::map<int, array<double>>{{1, counted({2, 3})}}) ==
        xxh3(seq(1) + seq(2) + i32(1) +
             arr(xxh3(npy_header("<f8", false, {2, 3}) + bytes_of(std::vector<double>{1, 2, 3, 4, 5, 6})))));

  const std::string point = object("hashed::point", i32(1) + text("two"));
  CHECK(hash(hashed::point()) == xxh3(point));
  CHECK(hash(hashed::nested()) == xxh3(object("hashed::nested", point + arr(vector_digest(v)))));
  CHECK(hash(hashed::versioned()) == xxh3(object("hashed::versioned", "u\4\3\0\0\0"s + i32(5))));
  CHECK(hash(std::chrono::seconds(5)) == xxh3("i\x8"s + word(5)));

  // Longer than any buffer on the way.
  CHECK(hash(std::vector<std::string>(1000, "abc")) == xxh3([] {
          std::string s = seq(1000);
          for (int i = 0; i < 1000; ++i) s += text("abc");
          return s;
        }()));
}

// A cache that one release fills is read by the next: these must never change. Where one fails, it is the change that is
// wrong and not the number.
TEST_CASE("the digests of objects are those of every release") {
  const std::vector<std::pair<std::string_view, digest>> k_golden{
      {"4bd61c52186d193df6d92f5cbb14677e", larder::hash('a')},
      {"f327a2369eb549e72c537368bcb6c151", larder::hash(std::byte{7})},
      {"968e8577650f614a91a656b9cc633579", larder::hash(hashed::colour::green)},
      {"437b5c3282797343ee28ff20cde60568", larder::hash(std::vector<std::string>{"a", ""})},
      {"2fe83b496a0ac7cbf6a54136bad467ae", larder::hash(std::vector<bool>{true, false})},
      {"42a55f58709503f63e45a6a1b74f722d", larder::hash(std::vector<char>{'a', 'b'})},
      {"8ee9e583b4d60f9eb7cd84087e920b0c", larder::hash(hashed::rgb{1, 2, 3})},
      {"e955fde5d8184f4954333ef0a93e0168", larder::hash(std::vector<hashed::rgb>{{1, 2, 3}, {4, 5, 6}})},
      {"929982a29a94305ce51c73d3eead9fdc", larder::hash(std::array<char, 2>{'a', 'b'})},
      {"ff56f5d1627f6c43e5a790d445f53549", larder::hash(std::pair(1, std::string("x")))},
      {"724b87a172f0c55441896213672a7b83", larder::hash(std::tuple<>())},
      {"724b87a172f0c55441896213672a7b83", larder::hash(std::monostate())},
      {"c311d21b3583875acbaa0f6724ae8b0a", larder::hash(std::optional<int>())},
      {"1589e4333611f0f2ecd9cf93e9f882c7", larder::hash(std::optional<int>(5))},
      {"1589e4333611f0f2ecd9cf93e9f882c7", larder::hash(std::make_unique<int>(5))},
      {"022564248823deaa4cad174f717b2527", larder::hash(std::make_shared<int>(5))},
      {"08a5d5a4e3205d1dd6062da8cda035dd", larder::hash(std::variant<int, std::string>("x"))},
      {"eec71de46202416fc14947b9874b8a37", larder::hash(std::map<int, std::string>{{1, "a"}, {2, "b"}})},
      {"b1902e09211c2ab452c001b1428e080d", larder::hash(std::set<int>{1, 2})},
      {"af0fa6eca8a79cf4faa8fdda04b1e97f", larder::hash(std::unordered_set<int>{1, 2, 3})},
      {"94f9a677b5185be58e5e41237525acdf",
       larder::hash(std::unordered_map<int, std::string>{{1, "a"}, {2, "b"}})},
      {"9aa52b5087359ff2508af56ea6a6f120",
       larder::hash(std::vector<std::vector<std::int16_t>>{{1, 2}, {1, 2}})},
      {"a3361325474faf36523f10be51a71893", larder::hash(std::map<int, array<double>>{{1, counted({2, 3})}})},
      {"f2d23e046e06f185857152f5d7214a9f", larder::hash(hashed::point())},
      {"ab9c23b3126e849dffc0857b111732c0", larder::hash(hashed::nested())},
      {"1e4a971e72a55766353a104cf58e4911", larder::hash(hashed::versioned())},
      {"4c012cca58f6664d5ad700f554631f36", larder::hash(std::chrono::seconds(5))},
      {"bbb0b0c2d32d520c487a24d074a86c39", larder::hash(std::deque<int>{5})},
  };
  for (const auto& [hex, found] : k_golden) CHECK(found.hex() == hex);
}

TEST_CASE("equal values hash the same however they are held") {
  const auto shared = std::make_shared<std::string>("x");
  const hashed::graph one{shared, shared};
  const hashed::graph two{std::make_shared<std::string>("x"), std::make_shared<std::string>("x")};
  CHECK(larder::hash(one) == larder::hash(two));
  CHECK(larder::hash(one) != larder::hash(hashed::graph{shared, nullptr}));
  CHECK(larder::hash(std::shared_ptr<const std::string>(shared)) == larder::hash(shared));
  CHECK(larder::hash("literal") == larder::hash(std::string("literal")));
  CHECK(larder::hash(std::string_view("literal")) == larder::hash(std::string("literal")));
  CHECK(larder::hash(1, "x") == larder::hash(1, std::string("x")));
  CHECK(larder::hash(array<const double>(counted({3}))) == larder::hash(std::vector<double>{1, 2, 3}));
  const hashed::rgb colours[2] = {{1, 2, 3}, {4, 5, 6}};
  CHECK(larder::hash(colours) == larder::hash(std::array<hashed::rgb, 2>{{{1, 2, 3}, {4, 5, 6}}}));
}

TEST_CASE("characters in an array are hashed as text up to their end") {
  const char whole[3] = {'a', 'b', 'c'};  // nothing ends it
  CHECK(larder::hash(whole) == larder::hash(std::string("abc")));
  CHECK(larder::hash("ab\0c") == larder::hash(std::string("ab")));
  CHECK(larder::hash("") == larder::hash(std::string()));
}

TEST_CASE("what differs hashes differently") {
  CHECK(larder::hash(hashed::point()) != larder::hash(hashed::other_point()));
  CHECK(larder::hash(hashed::point()) == larder::hash(hashed::renamed()));  // the name and the values count
  CHECK(larder::hash(1, 2) != larder::hash(2, 1));
  CHECK(larder::hash(std::optional<int>()) != larder::hash(std::optional<int>(0)));
  CHECK(larder::hash(std::optional<std::optional<int>>()) !=
        larder::hash(std::optional<std::optional<int>>(std::optional<int>())));
  using choice = std::variant<int, int>;
  CHECK(larder::hash(choice(std::in_place_index<0>, 1)) != larder::hash(choice(std::in_place_index<1>, 1)));
  CHECK(larder::hash(std::vector<std::vector<std::string>>{{"a"}, {}}) !=
        larder::hash(std::vector<std::vector<std::string>>{{}, {"a"}}));
  CHECK(larder::hash(std::unordered_map<int, int>{{1, 2}}) !=
        larder::hash(std::unordered_map<int, int>{{2, 1}}));
  CHECK(larder::hash(std::unordered_multiset<int>{1, 1}) != larder::hash(std::unordered_multiset<int>{1}));
  CHECK(larder::hash(std::make_shared<int>(1)) != larder::hash(1));
}

TEST_CASE("an unordered container hashes by its content and not by its order") {
  std::unordered_map<int, std::string> up, down;
  down.max_load_factor(0.05F);
  for (int i = 0; i < 500; ++i) {
    up.emplace(i, std::to_string(i));
    down.emplace(499 - i, std::to_string(499 - i));
  }
  CHECK(larder::hash(up) == larder::hash(down));
  down[3] = "other";
  CHECK(larder::hash(up) != larder::hash(down));
}
