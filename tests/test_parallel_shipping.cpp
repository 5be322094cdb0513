#include <larder/delayed.hpp>
#include <larder/detail/travel.hpp>

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <larder/array.hpp>
#include <larder/error.hpp>
#include <larder/fields.hpp>
#include <larder/initializer.hpp>
#include <larder/memory.hpp>
#include <larder/ship.hpp>

#include "tests/catch.hpp"
#include "tests/child_process.hpp"
#include "tests/process_pool.hpp"
#include "tests/scratch_dir.hpp"
#include "tests/shipping_plugin.hpp"
#include "tests/travel_files.hpp"

using Catch::Matchers::ContainsSubstring;
using larder::array;
using larder::detail::can_travel;

namespace {

double scaled(double x, double factor) { return x * factor; }
std::string joined(const std::vector<std::string>& parts, char between) {
  std::string all;
  for (const std::string& each : parts) all += each + between;
  return all;
}

struct scale {
  double factor = 1;
  double operator()(double x) const { return factor * x; }
  LARDER_FIELDS(factor)
};

struct account {
  int balance = 0;
  int after(int change) const { return balance + change; }
  LARDER_FIELDS(balance)
};

int computed = 0;

double squared(double x, int /*how_often_to_report*/) {
  ++computed;
  return x * x;
}
double cubed(double x, int /*unused*/) { return x * x * x; }

int initialized = 0;

struct set_initialized {
  int to = 0;
  void operator()() const { initialized = to; }
  LARDER_FIELDS(to)
};

/// Runs it as a worker would that got it.
void run_elsewhere(const larder::worker_initializer& initializer) {
  const scratch_dir dir;
  REQUIRE(initializer.shipped() != nullptr);
  REQUIRE(initializer.shipped()->why_not().empty());
  {
    files_writer to(dir.path());
    initializer.shipped()->write(to);
  }
  files_reader from(dir.path());
  initializer.shipped()->descriptor().make(from)->run(from);
}

}  // namespace

TEST_CASE("travel: a delayed call takes its function and its arguments along", "[parallel][shipping]") {
  CHECK(travelled(larder::delayed(&scaled)(2.0, 3.5))() == 7.0);
  CHECK(travelled(larder::delayed([](int x) { return x + 1; })(41))() == 42);
  CHECK(travelled(larder::delayed(scale{2.5})(4.0))() == 10.0);
  CHECK(travelled(larder::delayed(&account::after)(account{100}, 11))() == 111);
  CHECK(travelled(larder::delayed(&account::balance)(account{100}))() == 100);
  CHECK(travelled(larder::delayed(&joined)(std::vector<std::string>{"a", "bc"}, '-'))() == "a-bc-");
  const auto within = larder::delayed([](const auto& call, int x) { return call() + x; })(
      larder::delayed(&scaled)(2.0, 3.0), 1);
  CHECK(travelled(within)() == 7.0);
  array<double> a({3});
  a.fill(2);
  CHECK(travelled(larder::delayed([](const array<double>& x) { return x(0) * x(1) + x(2); })(a))() == 6.0);
}

TEST_CASE("travel: what could not be the same elsewhere does not go there", "[parallel][shipping]") {
  int calls = 0;
  const auto capturing = [&calls] { return ++calls; };
  using call_of_capturing = decltype(larder::delayed(capturing)());
  using call_with_function = decltype(larder::delayed(&scaled)(std::function<int()>(), 1));
  STATIC_REQUIRE(can_travel<decltype(larder::delayed(&scaled)(1.0, 2.0))>);
  STATIC_REQUIRE_FALSE(can_travel<call_of_capturing>);
  STATIC_REQUIRE_FALSE(can_travel<call_with_function>);
  STATIC_REQUIRE_FALSE(can_travel<std::function<double(double)>>);
  STATIC_REQUIRE_FALSE(can_travel<std::reference_wrapper<int>>);
  STATIC_REQUIRE_FALSE(can_travel<int*>);
  const std::string text = not_travelling_text(larder::detail::travel_role::function, typeid(capturing));
  CHECK_THAT(text, ContainsSubstring("must not have captures"));
}

TEST_CASE("ship: gives back the function, where that can go to another process", "[parallel][shipping]") {
  CHECK(larder::ship(scaled)(2.0, 3.0) == 6.0);
  CHECK(larder::ship(scale{2})(3.0) == 6.0);
  CHECK(larder::ship([](int x) { return x + 1; })(1) == 2);
  STATIC_REQUIRE(larder::shippable<decltype(scaled)>);
  STATIC_REQUIRE(larder::shippable<decltype(&account::after)>);
  STATIC_REQUIRE(larder::shippable<const scale&>);
  STATIC_REQUIRE(larder::shippable<std::plus<>>);
  STATIC_REQUIRE_FALSE(larder::shippable<std::function<int()>>);
}

TEST_CASE("initializer: goes to another process where its function can", "[parallel][shipping]") {
  initialized = 0;
  run_elsewhere([] { ++initialized; });
  CHECK(initialized == 1);
  run_elsewhere(+[] { initialized = 20; });
  CHECK(initialized == 20);
  run_elsewhere(set_initialized{7});
  CHECK(initialized == 7);
  run_elsewhere(larder::delayed([](int x) { initialized = x; })(8));
  CHECK(initialized == 8);
}

TEST_CASE("initializer: one that cannot go to another process says why, and runs here",
          "[parallel][shipping]") {
  int calls = 0;
  const larder::worker_initializer initializer = [&calls] { ++calls; };
  REQUIRE(initializer.shipped() != nullptr);
  CHECK_THAT(initializer.shipped()->why_not(),
             ContainsSubstring("the initializer (") && ContainsSubstring("must not have captures"));
  initializer();
  const larder::worker_initializer copy = initializer;
  copy();
  CHECK(calls == 2);
}

TEST_CASE("initializer: none is none, whatever it was made of", "[parallel][shipping]") {
  using larder::worker_initializer;
  void (*const no_pointer)() = nullptr;
  for (const auto& none :
       {worker_initializer(), worker_initializer(std::function<void()>()), worker_initializer(no_pointer)}) {
    CHECK_FALSE(none);
    CHECK(none.shipped() == nullptr);
    none();
  }
  CHECK(worker_initializer([] {}));
}

TEST_CASE("travel: a cached function has the same keys and the same entries elsewhere", "[cache][shipping]") {
  const scratch_dir dir;
  const scratch_dir letters;
  const larder::memory memory(dir / "cache", {.compress = 1, .bytes_limit = "1M"});
  const auto square = memory.cache("square", &squared, {.ignore = {1}});
  send(square, letters.path());
  computed = 0;
  const int status = child_process([&] {
                       const auto same =
                           receive<decltype(larder::memory("").cache("square", &squared))>(letters.path());
                       if (same.key(3, 1) != square.key(3, 1) || same.key(3, 1) != same.key(3, 2)) return 1;
                       if (same.evaluate(3, 1).how != larder::outcome::computed) return 2;
                       return computed == 1 ? 0 : 3;
                     }).wait();
  CHECK(status == 0);
  CHECK(square.evaluate(3, 7).how == larder::outcome::hit);
  CHECK(computed == 0);
  CHECK(memory.stats().hits == 1);

  const auto same = receive<std::remove_const_t<decltype(square)>>(letters.path());
  const auto again = receive<std::remove_const_t<decltype(square)>>(letters.path());
  CHECK(same(3, 0) == 9);
  CHECK(again(3, 0) == 9);
  CHECK(computed == 0);
  CHECK(memory.stats().hits == 1);  // it has statistics of its own
}

TEST_CASE("travel: cached functions of every kind that can travel", "[cache][shipping]") {
  const scratch_dir dir;
  for (const auto& location : {dir.path(), std::filesystem::path()}) {
    const larder::memory memory(location);
    const auto versioned = memory.cache("twice", [](int x) { return 2 * x; }, {.version = "1"});
    const auto scaling = memory.cache("scaling", scale{2.5});
    const auto after = memory.cache("after", &account::after);
    CHECK(travelled(versioned).key(4) == versioned.key(4));
    CHECK(travelled(versioned)(4) == 8);
    CHECK(travelled(scaling).key(4) == scaling.key(4));
    CHECK(travelled(scaling)(4) == 10);
    CHECK(travelled(after).key(account{1}, 2) == after.key(account{1}, 2));
    CHECK(travelled(after)(account{1}, 2) == 3);
    CHECK(travelled(larder::delayed(scaling)(4.0))() == 10);
  }
}

TEST_CASE("travel: workers need not be sent a cached function again", "[cache][shipping]") {
  using larder::detail::is_unchangeable;
  STATIC_REQUIRE(is_unchangeable<decltype(larder::memory("").cache("square", &squared))>);
  STATIC_REQUIRE(is_unchangeable<decltype(larder::memory("").cache("after", &account::after))>);
  STATIC_REQUIRE_FALSE(is_unchangeable<decltype(larder::memory("").cache("scaling", scale{}))>);
}

TEST_CASE("travel: a cached function's entries expire elsewhere as here", "[cache][shipping]") {
  const scratch_dir dir;
  const larder::memory memory(dir.path());
  const auto at_once = memory.cache(
      "at_once", &squared, {.cache_validation_callback = larder::expires_after(std::chrono::seconds(0))});
  const auto late = memory.cache(
      "late", &squared, {.cache_validation_callback = larder::expires_after(std::chrono::hours(10))});
  CHECK(at_once(2, 1) == 4);
  CHECK(late(2, 1) == 4);
  CHECK(travelled(at_once).evaluate(2, 1).how == larder::outcome::computed);
  CHECK(travelled(late).evaluate(2, 1).how == larder::outcome::hit);

  const auto asking = memory.cache(
      "asking", &squared, {.cache_validation_callback = [](const larder::entry_info&) { return true; }});
  CHECK_THROWS_AS(travelled(asking), larder::not_shippable);
  CHECK_THROWS_WITH(travelled(asking), ContainsSubstring("\"asking\" has a cache_validation_callback") &&
                                           ContainsSubstring("expires_after"));
}

TEST_CASE("travel: a name that stands for another function elsewhere is an error there",
          "[cache][shipping]") {
  const scratch_dir dir;
  const scratch_dir letters;
  const int sent = child_process([&] {
                     send(larder::memory(dir.path()).cache("power", &squared), letters.path());
                     return 0;
                   }).wait();
  REQUIRE(sent == 0);
  const auto other = larder::memory(dir.path()).cache("power", &cubed);
  CHECK_THROWS_AS(receive<std::remove_const_t<decltype(other)>>(letters.path()), larder::value_error);
}

TEST_CASE("processes: functions of a plugin run in workers, which open it when they need it",
          "[parallel][processes]") {
  const scratch_dir dir;
  const std::string path = dir / "plugin.so";
  std::filesystem::copy_file(LARDER_TEST_PLUGIN, path);
  const larder::parallel pool = process_pool();
  CHECK(pool.map(std::vector{1, 2, 3}, [](int x) { return x; }) == std::vector{1, 2, 3});
  const auto times = load_plugin(path).times;
  CHECK(pool.map(std::vector{1, 2, 3}, times) == std::vector{2, 4, 6});
  const auto called = [](int x, int (*function)(int)) { return function(x) + 1; };
  CHECK(pool.map(std::vector{1, 2, 3}, called, times) == std::vector{3, 5, 7});
  CHECK(pool.submit(larder::delayed(times)(21)).get() == 42);
}

TEST_CASE("processes: a plugin that was replaced is named, with what to do", "[parallel][processes]") {
  const scratch_dir dir;
  const std::string path = dir / "plugin.so";
  std::filesystem::copy_file(LARDER_TEST_PLUGIN, path);
  const auto times = load_plugin(path).times;
  replace_file(path, LARDER_TEST_PLUGIN_OTHER);
  const larder::parallel pool = process_pool();
  CHECK_THROWS_AS(pool.map(std::vector{1, 2, 3}, times), larder::not_shippable);
  CHECK_THROWS_WITH(pool.map(std::vector{1, 2, 3}, times), ContainsSubstring("another build of " + path) &&
                                                               ContainsSubstring("start the program again"));
  replace_file(path, LARDER_TEST_PLUGIN);
  CHECK(pool.map(std::vector{1, 2, 3}, times) == std::vector{2, 4, 6});
}
