// Stores as a whole: their capacity, their names and places, and how long they live.

#include <larder/store.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <larder/dump.hpp>
#include <larder/error.hpp>
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
using larder::store;

using dictionary = std::map<std::string, array<const double>>;

namespace {

double first_of(const array<const double>& a) { return a(0); }

}  // namespace

TEST_CASE("store: size and used count the objects, capacity what there may be") {
  const store_dir dir;
  const store st("run");
  CHECK(st.size() == 0);
  CHECK(st.used() == 0);
  CHECK(st.capacity() > 0);
  st.put("a", ramp(1000));
  st.put(ramp(2000));
  CHECK(st.size() == 2);
  CHECK(st.used() >= 24'000);
  CHECK(st.used() < 26'000);
  CHECK(store("run", {.capacity = "1M"}).capacity() == 1 << 20);
  CHECK(st.capacity() == 1 << 20);
  CHECK(store("run").capacity() == 1 << 20);
}

TEST_CASE("store: what was least recently used is evicted when the capacity is reached") {
  const store_dir dir;
  const store st("run", {.capacity = "300K"});
  for (const char* const name : {"a", "b", "c"}) st.put(name, ramp(10'000));  // 80 KB each
  (void)st.get<array<const double>>("a");
  st.put("d", ramp(10'000));
  CHECK(st.names() == std::vector<std::string>{"a", "c", "d"});
  (void)st.find<array<const double>>("c");
  (void)st.ref<array<double>>("a").get();
  st.put("e", ramp(20'000));
  CHECK(st.names() == std::vector<std::string>{"a", "e"});
  CHECK(st.used() <= st.capacity());
}

TEST_CASE("store: what is pinned or in use is not evicted, and a put that finds no room says so") {
  const store_dir dir;
  const store st("run", {.capacity = "300K"});
  st.put("pinned", ramp(10'000), {.pinned = true});
  st.put("held", ramp(10'000));
  st.put("free", ramp(10'000));
  std::optional held = st.get<array<const double>>("held");
  st.put("large", ramp(15'000));
  CHECK(st.names() == std::vector<std::string>{"held", "large", "pinned"});

  try {
    st.put("larger", ramp(25'000));
    FAIL("it was put");
  } catch (const larder::io_error& e) {
    CHECK(e.errno_value() == ENOSPC);
    CHECK_THAT(e.what(), ContainsSubstring("larger") && ContainsSubstring("needs 200") &&
                             ContainsSubstring("pinned or in use"));
  }
  CHECK_FALSE(st.contains("larger"));
  CHECK(st.used() <= st.capacity());
  held.reset();
  st.unpin("pinned");
  st.put("larger", ramp(25'000));
  CHECK(st.contains("larger"));
}

TEST_CASE("store: what is larger than the capacity is refused, and nothing is evicted for it") {
  const store_dir dir;
  const store st("run", {.capacity = "100K"});
  st.put("a", ramp(1000));
  CHECK_THROWS_AS(st.put("b", ramp(20'000)), larder::value_error);
  CHECK_THROWS_AS(st.create<double>("b", {20'000}), larder::value_error);
  CHECK_THROWS_AS(st.put("b", dictionary{{"x", ramp(10'000)}, {"y", ramp(10'000)}}), larder::value_error);
  CHECK(st.names() == std::vector<std::string>{"a"});
}

TEST_CASE("store: a put over an object of almost the capacity finds its room") {
  const store_dir dir;
  const store st("run", {.capacity = "100K"});
  for (int i = 0; i < 5; ++i) {
    st.put("a", ramp(12'000, i));
    CHECK(st.get<array<const double>>("a")(0) == i);
  }
  auto w = st.create<double>("a", {12'000});
  std::move(w).seal();
  CHECK(st.size() == 1);
}

TEST_CASE("store: a capacity that is set later holds for what is put then") {
  const store_dir dir;
  const store st("run");
  for (int i = 0; i < 10; ++i) st.put(std::to_string(i), ramp(10'000));
  const store limited("run", {.capacity = "250K"});
  CHECK(st.size() == 10);
  st.put("new", ramp(10'000));  // by the handle that knew of none
  CHECK(st.names() == std::vector<std::string>{"8", "9", "new"});
}

TEST_CASE("store: an unlimited number of objects stays under the capacity") {
  const store_dir dir;
  const store st("run", {.capacity = "1M"});
  for (int i = 0; i < 2000; ++i) {
    st.put(std::to_string(i), ramp(100));
    if (i % 100 == 99) CHECK(st.used() <= st.capacity());
  }
  CHECK(st.contains("1999"));
  CHECK_FALSE(st.contains("0"));
  CHECK(st.used() > st.capacity() / 2);
}

TEST_CASE("store: options that are none are refused") {
  const store_dir dir;
  CHECK_THROWS_AS(store("run", {.capacity = "many"}), larder::value_error);
  CHECK_THROWS_AS(store("run", {.capacity = "0"}), larder::value_error);
  CHECK_THROWS_AS(store::at(""), larder::value_error);
  CHECK(store::list().empty());
}

TEST_CASE("store: namespaces are listed and removed by name") {
  const store_dir dir;
  CHECK(store::list().empty());
  const store b("b");
  const store a("a/\xC3\xA4");
  b.put("x", 1);
  a.put("x", 2);
  CHECK(store::list() == std::vector<std::string>{"a/\xC3\xA4", "b"});
  CHECK(b.get<int>("x") == 1);
  CHECK(a.get<int>("x") == 2);
  CHECK(a.name() == "a/\xC3\xA4");
  CHECK(store::remove("b"));
  CHECK_FALSE(store::remove("b"));
  CHECK(store::list() == std::vector<std::string>{"a/\xC3\xA4"});
  CHECK_FALSE(fs::exists(b.path()));
}

TEST_CASE("store: one is opened that is there, and none is made where none is") {
  const store_dir dir;
  CHECK_FALSE(store::open_if_exists("run"));
  CHECK(dir.names().empty());
  {
    const store other("other");
    CHECK_FALSE(store::open_if_exists("run"));
    CHECK(store::list() == std::vector<std::string>{"other"});
  }
  const store st("run");
  st.put("a", 1);
  const auto again = store::open_if_exists("run", {.capacity = "1M"});
  REQUIRE(again);
  CHECK(again->get<int>("a") == 1);
  CHECK(st.capacity() == 1 << 20);
}

TEST_CASE("store: one that was opened by its directory is removed by it") {
  const store_dir dir;
  CHECK_FALSE(store::remove_at(dir / "own"));
  const store st = store::at(dir / "own");
  st.put("a", 1);
  CHECK(store::remove_at(dir / "own" / ""));
  CHECK_FALSE(fs::exists(dir / "own"));
  fs::create_directory(dir / "other");
  larder::dump(1, dir / "other" / "file");
  CHECK_FALSE(store::remove_at(dir / "other"));
  CHECK(fs::exists(dir / "other" / "file"));
  CHECK_THROWS_AS(store::remove_at(""), larder::value_error);
}

TEST_CASE("store: what is done with a name is done with a reference") {
  const store_dir dir;
  const store st("run", {.capacity = "100K"});
  const auto ref = st.put(ramp(5000));
  CHECK(st.contains(ref));
  CHECK(st.info(ref).name.empty());
  CHECK(st.info(ref).type == "array<f64>");
  st.pin(ref);
  CHECK(st.info(ref).pinned);
  st.put("other", ramp(5000));
  st.put("third", ramp(5000));
  CHECK(st.contains(ref));
  CHECK_FALSE(st.contains("other"));
  st.unpin(ref);
  st.put("other", ramp(5000));
  CHECK_FALSE(st.contains(ref));

  const auto elsewhere = store("elsewhere").put("a", 1);
  CHECK_THROWS_AS(st.contains(elsewhere), larder::value_error);
  CHECK_THROWS_AS(st.pin(elsewhere), larder::value_error);
  CHECK_THROWS_AS(st.unpin(elsewhere), larder::value_error);
  CHECK_THROWS_AS(st.info(elsewhere), larder::value_error);
}

TEST_CASE("store: a handle on a namespace that was removed says so, and goes on when it is made anew") {
  const store_dir dir;
  const store st("run");
  st.put("a", 1);
  store::remove("run");
  CHECK_FALSE(st.contains("a"));
  CHECK_FALSE(st.find<int>("a"));
  CHECK(errno_of([&] { st.get<int>("a"); }) == ENOENT);
  CHECK_THROWS_WITH(st.put("a", 1), ContainsSubstring("removed meanwhile"));
  CHECK_THROWS_WITH(st.create<int>("a", {1}), ContainsSubstring("removed meanwhile"));
  CHECK(st.names().empty());
  CHECK(errno_of([&] { st.wait_for("a", 10s); }) == ENOENT);

  const store again("run");
  st.put("a", 2);
  CHECK(again.get<int>("a") == 2);
}

TEST_CASE("store: what others put into its directory stays when it is removed") {
  const store_dir dir;
  {
    const store st = store::at(dir / "own", {.lifetime = larder::lifetime::last_user});
    st.put("a", 1);
    larder::dump(2, dir / "own" / ".mine");
  }
  CHECK_FALSE(fs::exists(dir / "own" / "a"));
  CHECK(larder::load<int>(dir / "own" / ".mine") == 2);
  CHECK_THROWS_AS(store::at(dir / "own"), larder::value_error);
}

TEST_CASE("store: a link that leads nowhere is no place for one") {
  const store_dir dir;
  fs::create_symlink(dir / "nowhere", dir / "link");
  CHECK_THROWS_WITH(store::at(dir / "link"), ContainsSubstring("leads nowhere"));
}

TEST_CASE("store: what was left behind by those who were killed goes when it is opened") {
  const store_dir dir;
  const store st("run");
  larder::dump(1, st.path() / ".a.larder-0123456789abcdef");
  const store again("run");
  CHECK_FALSE(fs::exists(st.path() / ".a.larder-0123456789abcdef"));
}

TEST_CASE("store: at() opens a directory, which has to be empty or a store") {
  const store_dir dir;
  const store st = store::at(dir / "own" / "");
  CHECK(st.path() == dir / "own");
  CHECK(st.name().empty());
  st.put("a", 1);
  CHECK(store::at(dir / "own").get<int>("a") == 1);
  CHECK(store::list().empty());

  fs::create_directory(dir / "other");
  larder::dump(1, dir / "other" / "file");
  CHECK_THROWS_WITH(store::at(dir / "other"), ContainsSubstring("holds other things"));
  CHECK(std::distance(fs::directory_iterator(dir / "other"), fs::directory_iterator()) == 1);
  CHECK_THROWS_AS(store::at(dir / "missing" / "store"), larder::io_error);
  CHECK_THROWS_AS(store::at(dir / "other" / "file"), larder::io_error);

  const larder::memory mem(dir / "cache", {.bytes_limit = "1M"});
  CHECK(mem.cache("first", first_of, {.version = "1"})(ramp(3)) == 0);
  CHECK_THROWS_AS(store::at(dir / "cache"), larder::value_error);
}

TEST_CASE("store: is for its user alone") {
  const store_dir dir;
  const store st("run");
  st.put("a", 1);
  const auto mode = [](const fs::path& path) {
    struct ::stat status {};
    REQUIRE(::lstat(path.c_str(), &status) == 0);
    return status.st_mode & 07777;
  };
  CHECK(mode(st.path()) == 0700);
  CHECK(mode(st.info("a").path) == 0444);
  fs::permissions(st.path(), fs::perms::group_write, fs::perm_options::add);
  CHECK_THROWS_WITH(store("run"), ContainsSubstring("chmod go-w"));
}

TEST_CASE("store: one that lives until its last user goes with it") {
  const store_dir dir;
  {
    std::optional<store> first(std::in_place, "run",
                               larder::store_options{.lifetime = larder::lifetime::last_user});
    const store second("run");
    const store copy =
        *first;  // NOLINT(performance-unnecessary-copy-initialization): shares the use of the first
    first->put("a", 1);
    first.reset();
    CHECK(second.get<int>("a") == 1);
  }
  CHECK(store::list().empty());
  CHECK_FALSE(store("run").contains("a"));
}

TEST_CASE("store: the lifetime can be set anew") {
  const store_dir dir;
  {
    const store st("run", {.lifetime = larder::lifetime::last_user});
    st.put("a", 1);
    const store kept("run", {.lifetime = larder::lifetime::until_removed});
  }
  CHECK(store("run").get<int>("a") == 1);
}

TEST_CASE("store: wait_for sees what is there, what comes, and the end of its time") {
  const store_dir dir;
  const store st("run");
  st.put("a", 1);
  CHECK(st.wait_for("a", 0s));
  CHECK(st.wait_for("a", std::chrono::nanoseconds::max()));
  st.wait_for("a");
  CHECK_FALSE(st.wait_for("b", 0s));
  CHECK_FALSE(st.wait_for("b", 20ms));
  CHECK_FALSE(st.wait_for("b", -1s));
  CHECK_FALSE(st.wait_for("b", std::chrono::nanoseconds::min()));
  CHECK_FALSE(st.wait_for("b", std::chrono::duration<double>(0.01)));
  CHECK(st.wait_for("a", std::chrono::seconds::max()));
}

TEST_CASE("store: LARDER_STORE_DIR has to be an absolute path") {
  const store_dir dir;
  ::setenv("LARDER_STORE_DIR", "relative", 1);
  CHECK_THROWS_WITH(store("run"), ContainsSubstring("absolute"));
}

TEST_CASE(
    "store: a handle goes on in a store that was emptied by hand and opened anew, and keeps its capacity") {
  const scratch_dir dir;
  const fs::path path = dir / "space";
  const store before = store::at(path);
  const array<double> page({512});
  before.put("a", page);
  for (const auto& each : std::vector<fs::directory_entry>(fs::directory_iterator(path), {}))
    fs::remove(each.path());
  const store now = store::at(path, {.capacity = "20K"});
  for (int i = 0; i < 10; ++i) before.put("b" + std::to_string(i), page);
  CHECK(before.capacity() == 20 << 10);
  CHECK(now.used() <= 20 << 10);
  CHECK(now.contains("b9"));
}
