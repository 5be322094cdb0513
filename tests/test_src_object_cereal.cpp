// Types that cereal can serialize are storable as they are, beside cereal's own headers.

#include <cereal/cereal.hpp>
#include <cereal/types/deque.hpp>
#include <cereal/types/map.hpp>
#include <cereal/types/memory.hpp>
#include <cereal/types/optional.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/unordered_map.hpp>
#include <cereal/types/utility.hpp>
#include <cereal/types/vector.hpp>

#include <larder/dump.hpp>
#include <larder/hash.hpp>
#include <larder/inspect.hpp>
#include <larder/load.hpp>

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <larder/error.hpp>
#include <larder/fields.hpp>

#include "tests/catch.hpp"
#include "tests/counted.hpp"
#include "tests/round_trip.hpp"
#include "tests/scratch_dir.hpp"

using Catch::Matchers::ContainsSubstring;

namespace with_cereal {

struct member {
  int a = 0;
  std::string b;
  std::vector<double> c;
  std::map<std::string, std::pair<int, std::shared_ptr<int>>> d;
  template <class Archive>
  void serialize(Archive& ar) {
    ar(a, CEREAL_NVP(b));
    ar& cereal::make_nvp("c", c);
    ar(d);
  }
};

class secret {
 public:
  secret() = default;
  explicit secret(int n) : n_(n) {}
  int n() const { return n_; }

 private:
  friend class cereal::access;
  template <class Archive>
  void serialize(Archive& ar) {
    ar(n_);
  }
  int n_ = 0;
};

struct outside {
  int a = 0;
  larder::array<double> numbers;
};
template <class Archive>
void serialize(Archive& ar, outside& v) {
  ar(v.a, v.numbers);
}

struct split {
  int doubled = 0;
  template <class Archive>
  void save(Archive& ar) const {
    static_assert(Archive::is_saving::value && !Archive::is_loading::value);
    ar << doubled / 2;
  }
  template <class Archive>
  void load(Archive& ar) {
    static_assert(Archive::is_loading::value && !Archive::is_saving::value);
    ar >> doubled;
    doubled *= 2;
  }
};

struct split_outside {
  std::string text;
};
template <class Archive>
void save(Archive& ar, const split_outside& v) {
  ar(v.text + "!");
}
template <class Archive>
void load(Archive& ar, split_outside& v) {
  ar(v.text);
  v.text.pop_back();
}

struct base {
  int in_base = 0;
  virtual ~base() = default;
  template <class Archive>
  void serialize(Archive& ar) {
    ar(in_base);
  }
};
struct derived final : base {
  int in_derived = 0;
  template <class Archive>
  void serialize(Archive& ar) {
    ar(cereal::base_class<base>(this), in_derived);
  }
};

struct blob {
  std::array<std::uint16_t, 5> bytes{};
  template <class Archive>
  void serialize(Archive& ar) {
    ar(cereal::binary_data(bytes.data(), sizeof bytes));
  }
};

struct own_container {
  std::vector<int> items;
  template <class Archive>
  void save(Archive& ar) const {
    ar(cereal::make_size_tag(static_cast<cereal::size_type>(items.size())));
    for (const int item : items) ar(item);
  }
  template <class Archive>
  void load(Archive& ar) {
    cereal::size_type n = 0;
    ar(cereal::make_size_tag(n));
    items.resize(static_cast<std::size_t>(n));
    for (int& item : items) ar(item);
  }
};

// A length that says more than the bytes after it: runs of one value, say.
struct run_lengths {
  std::vector<int> items;
  template <class Archive>
  void save(Archive& ar) const {
    ar(cereal::make_size_tag(static_cast<cereal::size_type>(items.size())), items.empty() ? 0 : items[0]);
  }
  template <class Archive>
  void load(Archive& ar) {
    cereal::size_type n = 0;
    int value = 0;
    ar(cereal::make_size_tag(n), value);
    items.assign(static_cast<std::size_t>(n), value);
  }
};

// One type at two times: their name in files is the same.
struct person_v1 {
  std::string name;
  template <class Archive>
  void serialize(Archive& ar, const std::uint32_t version) {
    if (version != 1) throw std::logic_error("version " + std::to_string(version));
    ar(name);
  }
};
struct person_v2 {
  std::string first, last;
  std::uint32_t seen = 0;
  template <class Archive>
  void serialize(Archive& ar, const std::uint32_t version) {
    seen = version;
    ar(first);
    if (version >= 2) ar(last);
  }
};
struct split_v1 {
  int n = 0;
  template <class Archive>
  void save(Archive& ar, const std::uint32_t) const {
    ar(n);
  }
  template <class Archive>
  void load(Archive& ar, const std::uint32_t version) {
    ar(n);
    n += static_cast<int>(version) * 100;
  }
};
struct outside_v3 {
  int n = 0;
};
template <class Archive>
void serialize(Archive& ar, outside_v3& v, const std::uint32_t version) {
  ar(v.n);
  if (Archive::is_loading::value) v.n += static_cast<int>(version) * 1000;
}

// What is saved lives no longer than the call.
struct makes_temporaries {
  std::size_t size = 0;
  bool sound = true;
  template <class Archive>
  void save(Archive& ar) const {
    for (int i = 0; i < 8; ++i) {
      std::vector<double> numbers(size, i);
      ar(numbers);
      ar(std::vector<double>(size, i + 0.5));
      ar(std::make_shared<std::string>(std::to_string(i)));
      const auto array = larder::array<double>({size});
      array.fill(i + 0.25);
      ar(array);
      ar(larder::array<double>::borrow(numbers, {size}));
    }
  }
  template <class Archive>
  void load(Archive& ar) {
    for (int i = 0; i < 8; ++i) {
      std::vector<double> numbers, more;
      std::shared_ptr<std::string> text;
      larder::array<double> array, borrowed;
      ar(numbers, more, text, array, borrowed);
      size = numbers.size();
      sound = sound && numbers == std::vector<double>(size, i) &&
              more == std::vector<double>(size, i + 0.5) && *text == std::to_string(i) &&
              array(size - 1) == i + 0.25 && borrowed(0) == i;
    }
  }
};

inline int numbers_to_read = 1;
struct reads_otherwise {
  int n = 0;
  template <class Archive>
  void save(Archive& ar) const {
    ar(n);
  }
  template <class Archive>
  void load(Archive& ar) {
    for (int i = 0; i < numbers_to_read; ++i) ar(n);
  }
};

struct throws_on_load {
  template <class Archive>
  void save(Archive& ar) const {
    ar(1);
  }
  template <class Archive>
  void load(Archive&) {
    throw std::domain_error("not today");
  }
};

// A type that had LARDER_FIELDS once.
struct was_fields {
  std::uint32_t a = 0;
  std::uint32_t b = 0;
  LARDER_FIELDS(a, b)
};
struct is_versioned {
  std::uint32_t b = 0;
  template <class Archive>
  void serialize(Archive& ar, const std::uint32_t) {
    ar(b);
  }
};

}  // namespace with_cereal

CEREAL_CLASS_VERSION(with_cereal::person_v1, 1)
CEREAL_CLASS_VERSION(with_cereal::person_v2, 2)
CEREAL_CLASS_VERSION(with_cereal::split_v1, 4)
CEREAL_CLASS_VERSION(with_cereal::outside_v3, 3)

template <>
inline constexpr std::string_view larder::type_name<with_cereal::person_v1> = "person";
template <>
inline constexpr std::string_view larder::type_name<with_cereal::person_v2> = "person";
template <>
inline constexpr std::string_view larder::type_name<with_cereal::was_fields> = "evolved";
template <>
inline constexpr std::string_view larder::type_name<with_cereal::is_versioned> = "evolved";

TEST_CASE("types with a serialize of any kind come back") {
  using namespace with_cereal;
  member m{1, "two", {3, 4}, {{"x", {5, std::make_shared<int>(6)}}, {"y", {7, nullptr}}}};
  const auto back = round_trip(m);
  CHECK(back.a == 1);
  CHECK(back.b == "two");
  CHECK(back.c == std::vector<double>{3, 4});
  REQUIRE(back.d.size() == 2);
  CHECK(*back.d.at("x").second == 6);
  CHECK_FALSE(back.d.at("y").second);
  CHECK(round_trip(secret(5)).n() == 5);
  const auto o = round_trip(outside{4, counted({3})});
  CHECK(o.a == 4);
  CHECK(o.numbers(2) == 3);
  CHECK(round_trip(split{8}).doubled == 8);
  CHECK(round_trip(split_outside{"x"}).text == "x");
  CHECK(round_trip(own_container{{1, 2, 3}}).items == std::vector<int>{1, 2, 3});
  CHECK(round_trip(run_lengths{std::vector<int>(100000, 7)}).items == std::vector<int>(100000, 7));
  CHECK(round_trip(blob{{1, 2, 3, 4, 65535}}).bytes == std::array<std::uint16_t, 5>{1, 2, 3, 4, 65535});
  derived d;
  d.in_base = 1;
  d.in_derived = 2;
  const auto d_back = round_trip(d);
  CHECK(d_back.in_base == 1);
  CHECK(d_back.in_derived == 2);
  CHECK(round_trip(std::make_unique<derived>(d))->in_derived == 2);
}

TEST_CASE("the version in a file reaches a serialize whose program has moved on") {
  using namespace with_cereal;
  scratch_dir dir;
  larder::dump(person_v1{"Ada"}, dir / "v1");
  const auto read = larder::load<person_v2>(dir / "v1");
  CHECK(read.seen == 1);
  CHECK(read.first == "Ada");
  CHECK(read.last.empty());

  larder::dump(person_v2{"Ada", "Lovelace"}, dir / "v2");
  const auto same = larder::load<person_v2>(dir / "v2");
  CHECK(same.seen == 2);
  CHECK(same.last == "Lovelace");
  CHECK_THROWS_AS(larder::load<person_v1>(dir / "v2"), std::logic_error);

  // In containers each value has its own.
  larder::dump(std::vector<person_v1>{{"Ada"}, {"Bob"}}, dir / "many");
  const auto many = larder::load<std::vector<person_v2>>(dir / "many");
  CHECK(many.at(1).seen == 1);
  CHECK(many.at(1).first == "Bob");

  CHECK(round_trip(split_v1{5}).n == 405);
  CHECK(round_trip(outside_v3{5}).n == 3005);
}

TEST_CASE("what a save makes for the archive alone is stored whole") {
  using namespace with_cereal;
  for (const std::size_t size :
       {std::size_t{10}, std::size_t{8192}, std::size_t{8193}, std::size_t{100000}}) {
    CAPTURE(size);
    for (const int level : {0, 1}) {
      const auto back = round_trip(makes_temporaries{size}, {.compress = level});
      CHECK(back.size == size);
      CHECK(back.sound);
    }
    CHECK(larder::hash(makes_temporaries{size}) == larder::hash(makes_temporaries{size}));
  }
  CHECK(larder::hash(makes_temporaries{1}) != larder::hash(makes_temporaries{2}));
}

TEST_CASE("a hash takes in every value that a save hands over") {
  using namespace with_cereal;
  CHECK(larder::hash(split{8}) == larder::hash(split{9}));
  CHECK(larder::hash(split{8}) != larder::hash(split{10}));
  member a{1, "x", {}, {}};
  member b = a;
  CHECK(larder::hash(a) == larder::hash(b));
  b.d["k"];
  CHECK(larder::hash(a) != larder::hash(b));
}

TEST_CASE("an exception of a load reaches the caller as it is") {
  scratch_dir dir;
  larder::dump(with_cereal::throws_on_load(), dir / "t");
  CHECK_THROWS_AS(larder::load<with_cereal::throws_on_load>(dir / "t"), std::domain_error);
}

TEST_CASE("a load that reads less or more than the save wrote is an error") {
  scratch_dir dir;
  for (const int wanted : {0, 2}) {
    larder::dump(with_cereal::reads_otherwise{1}, dir / "v");
    with_cereal::numbers_to_read = wanted;
    CHECK_THROWS_AS(larder::load<with_cereal::reads_otherwise>(dir / "v"), larder::format_error);
  }
}

TEST_CASE("a file of LARDER_FIELDS is not read by the serialize that took their place") {
  using namespace with_cereal;
  scratch_dir dir;
  larder::dump(was_fields{1, 2}, dir / "f");
  CHECK_THROWS_AS(larder::load<is_versioned>(dir / "f"), larder::type_mismatch);
  larder::dump(is_versioned{2}, dir / "s");
  CHECK_THROWS_AS(larder::load<was_fields>(dir / "s"), larder::type_mismatch);
}
