// The object store, as one process uses it.

#include <larder/store.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <larder/dump.hpp>
#include <larder/error.hpp>
#include <larder/fields.hpp>
#include <larder/hash.hpp>
#include <larder/inspect.hpp>
#include <larder/load.hpp>
#include <larder/memory.hpp>

#include "tests/catch.hpp"
#include "tests/errno_of.hpp"
#include "tests/scratch_dir.hpp"
#include "tests/store_dir.hpp"
#include "tests/store_values.hpp"

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using larder::array;
using larder::object_ref;
using larder::store;

namespace {

using dictionary = std::map<std::string, array<const double>>;

struct model {
  std::string name;
  array<const double> weights;
  std::optional<object_ref<array<double>>> trained_on;
  LARDER_FIELDS(name, weights, trained_on)
};

double first_of(const array<const double>& a) { return a(0); }
double first_of_referred(const object_ref<array<double>>& ref) { return ref.get()(0); }

}  // namespace

TEST_CASE("store: what was put is got by its name, mapped") {
  const store_dir dir;
  const store st("run");
  st.put("a", ramp(1000, 5));

  const auto a = st.get<array<const double>>("a");
  CHECK(same(a, ramp(1000, 5)));
  CHECK(a.is_mapped());
  CHECK(a.origin()->mode == larder::mmap_mode::read);

  const store again("run");
  CHECK(again.contains("a"));
  CHECK(same(again.get<array<const double>>("a"), ramp(1000, 5)));
  CHECK(again.get<std::vector<double>>("a").size() == 1000);
}

TEST_CASE("store: objects of at most 8 KiB come as copies, and are not in use") {
  const store_dir dir;
  const store st("run");
  st.put("small", ramp(512));
  st.put("dictionary", dictionary{{"x", ramp(10)}, {"y", larder::array<const double>(ramp(200))}});
  const auto small = st.get<array<const double>>("small");
  const auto d = st.get<dictionary>("dictionary");
  CHECK(same(small, ramp(512)));
  CHECK(same(d.at("x"), ramp(10)));
  CHECK(same(d.at("y"), ramp(200)));
  CHECK_FALSE(small.is_mapped());
  CHECK_FALSE(d.at("y").is_mapped());
  CHECK_FALSE(st.info("small").in_use);
  CHECK_FALSE(st.info("dictionary").in_use);
}

TEST_CASE("store: what is written to an array that was got stays there") {
  const store_dir dir;
  const store st("run");
  st.put("a", ramp(10));
  auto mine = st.get<array<double>>("a");
  mine(3) = -1;
  CHECK(st.get<array<const double>>("a")(3) == 3);
}

TEST_CASE("store: objects are of any storable type, and the arrays in them are mapped") {
  const store_dir dir;
  const store st("run");
  st.put("number", 42);
  st.put("text", std::string("larder"));
  st.put("dictionary", dictionary{{"x", ramp(10)}, {"y", ramp(100'000)}});

  CHECK(st.get<int>("number") == 42);
  CHECK(st.get<std::string>("text") == "larder");
  const auto d = st.get<dictionary>("dictionary");
  CHECK(same(d.at("x"), ramp(10)));
  CHECK(same(d.at("y"), ramp(100'000)));
  CHECK(d.at("x").is_mapped());
  CHECK(d.at("y").is_mapped());
}

TEST_CASE("store: of objects that are got again and again, the one that is there is got") {
  const store_dir dir;
  const store st("run");
  for (std::size_t rows = 1; rows <= 40; ++rows) {
    const std::string name = "d" + std::to_string(rows % 20);
    st.put(name, dictionary{{"x", ramp(1000 * rows)}, {"y", ramp(5000, static_cast<double>(rows))}});
    for (int again = 0; again < 3; ++again) {
      const auto d = st.get<dictionary>(name);
      CHECK(d.at("x").size() == 1000 * rows);
      CHECK(same(d.at("y"), ramp(5000, static_cast<double>(rows))));
      CHECK(st.find<dictionary>("d1").has_value());
    }
  }
}

TEST_CASE("store: damage to an object that was got before is found") {
  const store_dir dir;
  const store st("run");
  const auto ref = st.put("d", dictionary{{"x", ramp(1000)}, {"y", ramp(5000)}});
  CHECK(st.get<dictionary>("d").size() == 2);
  CHECK(st.get<dictionary>("d").size() == 2);
  // Behind the first 4 KiB and before the last: the header of the second array, which begins after the head and the first one.
  constexpr long k_second_header = 64 + 128 + 8000;
  fs::permissions(ref.path(), fs::perms::owner_write, fs::perm_options::add);
  {
    std::fstream file(ref.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(k_second_header + 20);
    file.put('!');
  }
  fs::permissions(ref.path(), fs::perms::owner_write, fs::perm_options::remove);
  fs::last_write_time(ref.path(), fs::last_write_time(ref.path()) + 1s);  // clocks of files may be slow
  CHECK_THROWS_AS(st.get<dictionary>("d"), larder::format_error);
}

TEST_CASE("store: what is absent is an error of get, and nothing of find") {
  const store_dir dir;
  const store st("run");
  CHECK_FALSE(st.contains("a"));
  CHECK_FALSE(st.find<int>("a"));
  CHECK_FALSE(st.forget("a"));
  CHECK(errno_of([&] { st.get<int>("a"); }) == ENOENT);
  CHECK(errno_of([&] { st.info("a"); }) == ENOENT);
  CHECK(errno_of([&] { st.pin("a"); }) == ENOENT);
  CHECK_THROWS_WITH(st.get<int>("a"), ContainsSubstring("no object \"a\""));

  st.put("a", 1);
  CHECK(st.find<int>("a") == 1);
  CHECK(st.forget("a"));
  CHECK_FALSE(st.contains("a"));
}

TEST_CASE("store: an object of another type is a type_mismatch that names both") {
  const store_dir dir;
  const store st("run");
  st.put("a", ramp(10));
  CHECK_THROWS_AS(st.get<int>("a"), larder::type_mismatch);
  CHECK_THROWS_WITH(st.get<std::string>("a"), ContainsSubstring("string") && ContainsSubstring("array<f64>"));
}

TEST_CASE("store: another put under the same name is another object, and the old one stays with who has it") {
  const store_dir dir;
  const store st("run");
  st.put("a", ramp(1000, 1));
  const auto old = st.get<array<const double>>("a");
  st.put("a", std::string("new"));
  CHECK(st.get<std::string>("a") == "new");
  CHECK(same(old, ramp(1000, 1)));
  CHECK(st.size() == 1);
}

TEST_CASE("store: with if_absent the first put counts") {
  const store_dir dir;
  const std::string capacity = GENERATE("", "1M");
  const store st("run", {.capacity = capacity});
  st.put("a", 1, {.if_absent = true});
  const auto ref = st.put("a", 2, {.if_absent = true});
  CHECK(ref.get() == 1);
  CHECK(st.size() == 1);
  auto w = st.create<double>("a", {4}, {.if_absent = true});
  std::move(w).seal();
  CHECK(st.get<int>("a") == 1);
}

TEST_CASE("store: a reader outlives forget, clear and the namespace's removal") {
  const store_dir dir;
  const store st("run");
  st.put("a", ramp(100'000, 1));
  st.put("b", ramp(100'000, 2));
  st.put("c", ramp(100'000, 3));
  const auto a = st.get<array<const double>>("a");
  const auto b = st.get<array<const double>>("b");
  const auto c = st.get<array<const double>>("c");
  st.forget("a");
  st.clear();
  CHECK(st.size() == 0);
  st.put("c", 1);
  CHECK(store::remove("run"));
  CHECK(same(a, ramp(100'000, 1)));
  CHECK(same(b, ramp(100'000, 2)));
  CHECK(same(c, ramp(100'000, 3)));
}

TEST_CASE("store: objects that are put without a name are had by their reference") {
  const store_dir dir;
  const store st("run");
  const object_ref<int> one = st.put(1);
  const object_ref<std::string> two = st.put(std::string("two"), {.pinned = true});
  CHECK(one.get() == 1);
  CHECK(two.get() == "two");
  CHECK(one.name().empty());
  CHECK(st.names().empty());
  CHECK(st.size() == 2);
  CHECK(st.forget(one));
  CHECK_FALSE(st.forget(one));
  CHECK(errno_of([&] { one.get(); }) == ENOENT);
}

TEST_CASE(
    "store: a reference is a value: it is stored in other objects, compared, and hashed as its object") {
  const store_dir dir;
  const store st("run");
  const auto data = st.put("data", ramp(1000, 7));
  st.put("model", model{.name = "m", .weights = ramp(10), .trained_on = data});

  const auto m = st.get<model>("model");
  REQUIRE(m.trained_on);
  CHECK(*m.trained_on == data);
  CHECK(m.trained_on->name() == "data");
  CHECK(same(m.trained_on->get(), ramp(1000, 7)));
  CHECK(data.get<array<const double>>().is_mapped());
  CHECK(st.ref<array<double>>("data") == data);

  const auto before = larder::hash(data);
  CHECK(before == larder::hash(st.put("same", ramp(1000, 7))));
  st.put("data", ramp(1000, 8));
  CHECK(before != larder::hash(data));

  dump(data, dir / "ref.larder");
  CHECK(same(larder::load<object_ref<array<double>>>(dir / "ref.larder").get(), ramp(1000, 8)));
}

TEST_CASE("store: a reference to nothing has no object, and one to another store is not forgotten here") {
  const store_dir dir;
  const store st("run");
  const object_ref<int> nothing;
  CHECK(nothing.path().empty());
  CHECK(nothing.name().empty());
  CHECK_THROWS_AS(nothing.get(), larder::value_error);
  CHECK_THROWS_AS(st.forget(nothing), larder::value_error);
  const auto other = store("other").put(1);
  CHECK_THROWS_AS(st.forget(other), larder::value_error);
  CHECK(other.get() == 1);
}

TEST_CASE("store: a cached function is computed anew when the object that it refers to is another") {
  const store_dir dir;
  const scratch_dir cache;
  const store st("run");
  const larder::memory mem(cache.path());
  const auto first = mem.cache("first", first_of_referred, {.version = "1"});
  const auto of_array = mem.cache("first of array", first_of, {.version = "1"});
  const auto ref = st.put("a", ramp(10, 1));
  CHECK(first(ref) == 1);
  CHECK(first.evaluate(ref).how == larder::outcome::hit);
  CHECK(of_array(ref.get()) == 1);
  st.put("a", ramp(10, 2));
  CHECK(first(ref) == 2);
}

TEST_CASE("store: what is got hashes as what was put") {
  const store_dir dir;
  const store st("run");
  const auto a = ramp(1'000'000);
  st.put("a", a);
  const auto expected = larder::hash(a);
  const auto mapped = st.get<array<const double>>("a");
  CHECK(larder::hash(mapped) == expected);
}

TEST_CASE("store: an array is filled where it will lie, and published when it is sealed") {
  const store_dir dir;
  const store st("run");
  auto w = st.create<double>("a", {100, 10});
  CHECK(std::ranges::all_of(w.array().flat(), [](double each) { return each == 0; }));
  w.array().fill(3);
  CHECK_FALSE(st.contains("a"));
  CHECK(st.size() == 0);
  const object_ref<array<double>> ref = std::move(w).seal();
  const auto a = ref.get<array<const double>>();
  CHECK(a.shape(0) == 100);
  CHECK(a(99, 9) == 3);
  CHECK(larder::hash(a) == larder::hash(st.get<array<double>>("a")));
  larder::verify(ref.path());
  CHECK_THROWS_AS(w.array(), larder::value_error);
  CHECK_THROWS_AS(std::move(w).seal(), larder::value_error);
}

TEST_CASE("store: arrays of no elements are created and put") {
  const store_dir dir;
  const store st("run");
  auto w = st.create<float>("none", {0, 3});
  std::move(w).seal();
  CHECK(st.get<array<const float>>("none").size() == 0);
  st.put("none", array<float>({3, 0}));
  CHECK(st.get<array<const float>>("none").shape(0) == 3);
}

TEST_CASE(
    "store: sealing is refused while there are other handles on the array, and done when they are gone") {
  const store_dir dir;
  const store st("run");
  auto w = st.create<double>("a", {100});
  std::optional<array<double>> handle = w.array();
  CHECK_THROWS_WITH(std::move(w).seal(), ContainsSubstring("other handles"));
  handle = handle->slice(0, 0, 10);
  CHECK_THROWS_AS(std::move(w).seal(), larder::value_error);
  CHECK_FALSE(st.contains("a"));
  (*handle)(1) = 8;
  handle.reset();
  std::move(w).seal();
  CHECK(st.get<array<const double>>("a")(1) == 8);
}

TEST_CASE("store: a writer that finds no room to be sealed keeps what it has, and is sealed when there is") {
  const store_dir dir;
  const store st("run", {.capacity = "300K"});
  auto w = st.create<double>("a", {20'000});
  w.array().fill(4);
  st.put("in the way", ramp(20'000), {.pinned = true});
  CHECK(errno_of([&] { std::move(w).seal(); }) == ENOSPC);
  CHECK_FALSE(st.contains("a"));
  CHECK_THROWS_AS(w.array(), larder::value_error);
  st.unpin("in the way");
  const auto ref = std::move(w).seal();
  CHECK(ref.get()(19'999) == 4);
  CHECK_THROWS_AS(std::move(w).seal(), larder::value_error);
}

TEST_CASE("store: to look at an object is not to use it") {
  const store_dir dir;
  const store st("run", {.capacity = "300K"});
  for (const char* const name : {"a", "b", "c"}) st.put(name, ramp(10'000));
  (void)st.info("a");
  (void)st.contains("a");
  st.put("d", ramp(10'000));
  CHECK(st.names() == std::vector<std::string>{"b", "c", "d"});
}

TEST_CASE("store: what was put after another was got is used later than that") {
  const store_dir dir;
  const store st("run", {.capacity = "300K"});
  for (int i = 0; i < 50; ++i) {
    st.clear();
    st.put("a", ramp(10'000));
    st.put("b", ramp(10'000));
    (void)st.get<array<const double>>("a");
    st.put("c", ramp(10'000));
    st.put("d", ramp(20'000));  // for which b has to go, and then a
    CHECK(st.names() == std::vector<std::string>{"c", "d"});
  }
}

TEST_CASE("store: a writer that is dropped leaves nothing, and what was under its name stays") {
  const store_dir dir;
  const store st("run");
  st.put("a", 1);
  {
    auto w = st.create<double>("a", {1000});
    w.array().fill(1);
    auto moved = std::move(w);
    moved.array().fill(2);
  }
  CHECK(st.get<int>("a") == 1);
  CHECK(st.size() == 1);
  const auto files = std::distance(fs::directory_iterator(st.path()), fs::directory_iterator());
  CHECK(files == 2);  // the object and the lock file
}

TEST_CASE("store: a shape that is none is refused before anything is made") {
  const store_dir dir;
  const store st("run");
  CHECK_THROWS_AS(st.create<double>("a", {std::size_t{1} << 40, std::size_t{1} << 40}), larder::value_error);
  CHECK(st.size() == 0);
}

TEST_CASE("store: names are any UTF-8 text of up to 200 bytes, and never paths") {
  const store_dir dir;
  const store st("run");
  const std::vector<std::string> names = {"a",
                                          "A",
                                          ".",
                                          "..",
                                          ".larder-lock",
                                          "../a",
                                          "/etc/passwd",
                                          "a/b/c",
                                          "a b",
                                          "%",
                                          "%61",
                                          "%%",
                                          "%r",
                                          "a\nb",
                                          std::string("nul\0nul", 7),
                                          "\xC3\xA9t\xC3\xA9",
                                          "\xF0\x9F\xA5\x95",
                                          "-rf",
                                          "~",
                                          "*",
                                          "con.npy",
                                          "\"'\\",
                                          std::string(200, 'a'),
                                          std::string(200, '/'),
                                          std::string(199, '.'),
                                          std::string(198, '%') + "/",
                                          std::string(197, '\0') + "\xC3\xA9"};
  for (std::size_t i = 0; i < names.size(); ++i) st.put(names[i], static_cast<int>(i));
  for (std::size_t i = 0; i < names.size(); ++i) {
    CAPTURE(names[i]);
    CHECK(st.get<int>(names[i]) == static_cast<int>(i));
    CHECK(st.info(names[i]).name == names[i]);
    CHECK(st.info(names[i]).path.parent_path() == st.path());
    CHECK(st.ref<int>(names[i]).name() == names[i]);
  }
  auto sorted = names;
  std::ranges::sort(sorted);
  CHECK(st.names() == sorted);
  CHECK(st.names("a") == std::vector<std::string>{"a", "a\nb", "a b", "a/b/c", std::string(200, 'a')});
  for (const std::string& name : names) CHECK(st.forget(name));
  CHECK(st.size() == 0);
  CHECK(fs::exists(st.path() / ".larder-lock"));
}

TEST_CASE("store: what is no name is refused, and the error says what one is") {
  const store_dir dir;
  const store st("run");
  const std::string bad =
      GENERATE(std::string(), std::string(201, 'a'), std::string(101, '\xC3') + "\xA9", std::string("\xC3"),
               std::string("\xFF\xFE"), std::string("\xED\xA0\x80"), std::string("\xC0\xAF"));
  CAPTURE(bad);
  CHECK_THROWS_AS(st.put(bad, 1), larder::value_error);
  CHECK_THROWS_AS(st.get<int>(bad), larder::value_error);
  CHECK_THROWS_AS(st.contains(bad), larder::value_error);
  CHECK_THROWS_AS(st.forget(bad), larder::value_error);
  CHECK_THROWS_AS(st.create<int>(bad, {1}), larder::value_error);
  CHECK_THROWS_AS(st.wait_for(bad, 1ms), larder::value_error);
  CHECK_THROWS_WITH(store(bad), ContainsSubstring("UTF-8 text of 1 to 200 bytes"));
  CHECK_THROWS_AS(store::remove(bad), larder::value_error);
}

TEST_CASE("store: info tells what an object is") {
  const store_dir dir;
  const store st("run");
  const auto before = std::chrono::system_clock::now();
  st.put("a", ramp(1000), {.pinned = true});
  const auto put = st.info("a");
  CHECK(put.name == "a");
  CHECK(put.type == "array<f64>");
  CHECK(put.bytes == fs::file_size(put.path));
  CHECK(put.bytes > 8000);
  CHECK(put.pinned);
  CHECK_FALSE(put.in_use);
  CHECK(put.created >= before - 1s);
  CHECK(put.created <= std::chrono::system_clock::now() + 1s);

  const auto a = st.get<array<const double>>("a");
  CHECK(st.info("a").in_use);
  CHECK(st.info("a").last_used > put.created);
  CHECK(st.info("a").created == put.created);
  st.unpin("a");
  CHECK_FALSE(st.info("a").pinned);
  st.pin("a");
  CHECK(st.info("a").pinned);
  st.put("a", 1);
  CHECK_FALSE(st.info("a").pinned);
}

TEST_CASE("store: an object is in use as long as somebody has it mapped, under its name or not") {
  const store_dir dir;
  const store st("run");
  st.put("a", dictionary{{"x", ramp(10)}, {"y", ramp(1000)}});
  std::optional<array<const double>> y = st.get<dictionary>("a").at("y");
  CHECK(st.info("a").in_use);
  auto part = y->slice(0, 10, 20);
  y.reset();
  CHECK(st.info("a").in_use);
  part = array<const double>();
  CHECK_FALSE(st.info("a").in_use);
}
