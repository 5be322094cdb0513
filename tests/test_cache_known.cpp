// Small results that a process asks for again and again, and no longer reads: what is done to their entries holds at once.

#include <larder/memory.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <larder/dump.hpp>

#include "tests/cached_functions.hpp"
#include "tests/catch.hpp"
#include "tests/read_again.hpp"
#include "tests/scratch_dir.hpp"

namespace fs = std::filesystem;
using larder::memory;
using larder::outcome;

namespace {

int generation = 1;
std::string tale(int n) { return std::string(std::size_t(n), static_cast<char>('a' + generation)); }

/// A cache of its own, with one entry of a function that would by now compute something else.
struct known_entry {
  known_entry() : mem(dir / "cache") { f(50); }

  void is_computed() const {
    CHECK_FALSE(f.check_call_in_cache(50));
    const auto result = f.evaluate(50);
    CHECK(result.how == outcome::computed);
    CHECK(result.value == anew);
    CHECK(f(50) == anew);
  }

  scratch_dir dir;
  bool is_valid = true;
  memory mem;
  decltype(std::declval<memory>().cache("tale", tale)) f = mem.cache(
      "tale", tale, {.version = "1", .cache_validation_callback = [this](const auto&) { return is_valid; }});
  std::string old = std::string(50, 'b');
  std::string anew = std::string(50, 'c');
};

struct deed {
  const char* name;
  std::function<void(known_entry&)> then;
};
const std::vector<deed> k_deeds = {
    {"nothing: each hit is counted",
     [](known_entry& e) {
       const auto before = e.mem.stats();
       for (int i = 0; i < 10; ++i) CHECK(e.f(50) == e.old);
       CHECK(e.mem.stats().hits == before.hits + 10);
       CHECK(e.mem.stats().misses == before.misses);
     }},
    {"forget",
     [](known_entry& e) {
       const auto reference = e.f.call_and_shelve(50);
       CHECK(reference.get() == e.old);
       e.f.forget(50);
       CHECK_THROWS_AS(reference.get(), larder::error);
       e.is_computed();
     }},
    {"clear of the function",
     [](known_entry& e) {
       e.f.clear();
       e.is_computed();
     }},
    {"clear of the memory",
     [](known_entry& e) {
       e.mem.clear();
       e.is_computed();
     }},
    {"clear of another memory",
     [](known_entry& e) {
       memory(e.dir / "cache").clear();
       e.is_computed();
     }},
    {"reduce_size",
     [](known_entry& e) {
       CHECK(e.mem.reduce_size({.bytes_limit = "0"}).entries == 1);
       e.is_computed();
     }},
    {"call",
     [](known_entry& e) {
       CHECK(e.f.call(50) == e.anew);
       CHECK(e.f(50) == e.anew);
     }},
    {"store",
     [](known_entry& e) {
       const auto reference = e.f.call_and_shelve(50);
       e.f.store("another", 50);
       CHECK(e.f(50) == "another");
       CHECK(reference.get() == "another");
     }},
    {"a callback that rejects it",
     [](known_entry& e) {
       e.is_valid = false;
       CHECK(e.f.evaluate(50).how == outcome::computed);
       e.is_valid = true;
       CHECK(e.f(50) == e.anew);
     }},
};

}  // namespace

TEST_CASE("what is done to an entry that is known, and not read any more, holds at once") {
  generation = 1;
  std::vector<std::unique_ptr<known_entry>> entries;
  for (std::size_t i = 0; i < k_deeds.size(); ++i) entries.push_back(std::make_unique<known_entry>());
  generation = 2;
  for (const auto& each : entries) CHECK(each->f(50) == each->old);  // marked as used: all are as old then
  for (std::size_t i = 0; i < k_deeds.size(); ++i) {
    INFO(k_deeds[i].name);
    known_entry& entry = *entries[i];
    repeat_until_known(entries_in(entry.dir / "cache").at(0), [&] { entry.f(50); });
    CHECK(entry.f.check_call_in_cache(50));
    k_deeds[i].then(entry);
  }
}
