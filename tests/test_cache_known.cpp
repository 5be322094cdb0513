// Small results that a process asks for again and again, and no longer reads: what is done to their entries holds at once.

#include <larder/memory.hpp>

#include <filesystem>
#include <string>

#include <larder/dump.hpp>

#include "tests/cached_functions.hpp"
#include "tests/catch.hpp"
#include "tests/read_again.hpp"
#include "tests/scratch_dir.hpp"

namespace fs = std::filesystem;
using larder::entry_info;
using larder::memory;
using larder::outcome;

namespace known {

int generation = 1;
std::string tale(int n) { return std::string(std::size_t(n), static_cast<char>('a' + generation)); }

}  // namespace known

TEST_CASE("what is done to an entry that is known, and not read any more, holds at once") {
  const scratch_dir dir;
  known::generation = 1;
  const memory mem(dir / "cache");
  bool is_valid = true;
  const auto f = mem.cache("tale", known::tale,
                           {.version = "1", .cache_validation_callback = [&](const entry_info& entry) {
                              CHECK(entry.function == "tale");
                              return is_valid;
                            }});
  const std::string old = f(50);
  repeat_until(false, entries_in(dir / "cache").at(0), [&] { f(50); });
  const auto reference = f.call_and_shelve(50);
  CHECK(reference.get() == old);
  CHECK(f.check_call_in_cache(50));
  known::generation = 2;
  const std::string anew = known::tale(50);
  REQUIRE(f(50) == old);

  const auto is_computed = [&] {
    CHECK_FALSE(f.check_call_in_cache(50));
    const auto result = f.evaluate(50);
    CHECK(result.how == outcome::computed);
    CHECK(result.value == anew);
    CHECK(f(50) == anew);
  };
  SECTION("forget") {
    f.forget(50);
    CHECK_THROWS_AS(reference.get(), larder::error);
    is_computed();
  }
  SECTION("clear") {
    f.clear();
    is_computed();
  }
  SECTION("clear of the memory") {
    mem.clear();
    is_computed();
  }
  SECTION("reduce_size") {
    CHECK(mem.reduce_size({.bytes_limit = "0"}).entries == 1);
    is_computed();
  }
  SECTION("another memory's clear") {
    memory(dir / "cache").clear();
    is_computed();
  }
  SECTION("call") {
    CHECK(f.call(50) == anew);
    CHECK(f(50) == anew);
  }
  SECTION("store") {
    f.store("another", 50);
    CHECK(f(50) == "another");
    CHECK(reference.get() == "another");
  }
  SECTION("a callback that rejects it") {
    is_valid = false;
    CHECK(f.evaluate(50).how == outcome::computed);
    is_valid = true;
    CHECK(f(50) == anew);
  }
  SECTION("nothing: each hit is counted") {
    const auto before = mem.stats();
    for (int i = 0; i < 10; ++i) CHECK(f(50) == old);
    CHECK(mem.stats().hits == before.hits + 10);
    CHECK(mem.stats().misses == before.misses);
  }
}
