// Making a cache smaller: which entries go, and that nothing else does.

#include <larder/larder.hpp>

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cache/catalog.hpp"
#include "cache/eviction.hpp"
#include "tests/cached_functions.hpp"
#include "tests/catch.hpp"
#include "tests/file_bytes.hpp"
#include "tests/file_times.hpp"
#include "tests/scratch_dir.hpp"

namespace fs = std::filesystem;
using Catch::Matchers::ContainsSubstring;
using larder::entry_totals;
using larder::memory;
using larder::reduce_options;
using namespace std::chrono_literals;

namespace {

/// A cache in which results of `ramp` are stored and used at given times.
class filled_cache {
 public:
  auto function(const std::string& version) const { return mem_.cache("ramp", ramp, {.version = version}); }

  fs::path entry(int n, const std::string& version = "1") const {
    const std::string hex = function(version).key(n).hex();
    return location() / "ramp" / ("v-" + version) / hex.substr(0, 2) / hex.substr(2);
  }

  void add(int n, std::chrono::seconds used_ago, const std::string& version = "1") const {
    function(version)(n);
    set_times(entry(n, version), 1000h, used_ago);
  }

  /// Which of the calls are in the cache.
  std::set<int> stored(const std::set<int>& of, const std::string& version = "1") const {
    std::set<int> found;
    for (const int n : of) {
      if (function(version).check_call_in_cache(n)) found.insert(n);
    }
    return found;
  }

  fs::path location() const { return dir_ / "cache"; }
  const memory& mem() const { return mem_; }

 private:
  scratch_dir dir_;
  memory mem_{dir_ / "cache"};
};

/// Every file and directory, with the times of the files.
std::vector<std::string> state_of(const fs::path& directory) {
  std::vector<std::string> found;
  for (const auto& each : fs::recursive_directory_iterator(directory)) {
    struct stat status {};
    REQUIRE(::lstat(each.path().c_str(), &status) == 0);
    found.push_back(each.path().string() + " " +
                    (each.is_directory() ? "" : std::to_string(status.st_mtim.tv_sec)) + " " +
                    (each.is_directory() ? "" : std::to_string(status.st_atim.tv_sec)));
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

TEST_CASE("reduce_size: the least recently used entries go first, until their number is within the limit") {
  const filled_cache cache;
  cache.add(1, 30h);
  cache.add(2, 10h);
  cache.add(3, 40h);
  cache.add(4, 20h);
  const auto bytes = fs::file_size(cache.entry(1)) + fs::file_size(cache.entry(3));
  CHECK(cache.mem().reduce_size({.items_limit = 2}) == entry_totals{2, bytes});
  CHECK(cache.stored({1, 2, 3, 4}) == std::set<int>{2, 4});
  CHECK(cache.mem().reduce_size({.items_limit = 2}) == entry_totals{});
}

TEST_CASE("reduce_size: an entry that was stored after it was last used is as old as its storing") {
  const filled_cache cache;
  cache.add(1, 10h);
  cache.add(2, 20h);
  set_times(cache.entry(2), 1h, 2000h);
  cache.mem().reduce_size({.items_limit = 1});
  CHECK(cache.stored({1, 2}) == std::set<int>{2});
}

TEST_CASE("reduce_size: of uses within one tick of the system's clock the last one stays") {
  for (int attempt = 0; attempt < 10; ++attempt) {
    const filled_cache cache;
    for (int n = 1; n <= 3; ++n) cache.add(n, 30h);
    for (const int n : {3, 2, 1}) cache.function("1")(n);
    cache.mem().reduce_size({.items_limit = 1});
    CHECK(cache.stored({1, 2, 3}) == std::set<int>{1});
  }
}

TEST_CASE("reduce_size: an old entry that is used just after another was stored stays") {
  for (int attempt = 0; attempt < 10; ++attempt) {
    const filled_cache cache;
    cache.add(1, 30h);
    cache.function("1")(2);
    cache.function("1")(1);
    cache.mem().reduce_size({.items_limit = 1});
    CHECK(cache.stored({1, 2}) == std::set<int>{1});
  }
}

TEST_CASE("reduce_size: bytes_limit counts whole files, and removes no more than it has to") {
  const filled_cache cache;
  for (int n = 1; n <= 10; ++n) cache.add(n, std::chrono::hours(n));
  const auto total = [&] {
    std::uintmax_t bytes = 0;
    for (const auto& each : entries_in(cache.location())) bytes += fs::file_size(each);
    return bytes;
  };
  REQUIRE(total() > 4096);
  cache.mem().reduce_size({.bytes_limit = "4 KiB"});
  CHECK(total() <= 4096);
  CHECK(total() + 1000 > 4096);  // no entry is so large
  const auto left = entries_in(cache.location()).size();
  REQUIRE(left >= 3);
  const auto exact = total();
  CHECK(cache.mem().reduce_size({.bytes_limit = std::to_string(exact)}).entries == 0);
  CHECK(cache.mem().reduce_size({.bytes_limit = std::to_string(exact - 1)}).entries == 1);
  const entry_totals rest{left - 1, total()};
  CHECK(cache.mem().reduce_size({.bytes_limit = "0"}) == rest);
  CHECK(entries_in(cache.location()).empty());
}

TEST_CASE("reduce_size: a bytes_limit of \"2K\" is 2048") {
  const filled_cache cache;
  int n = 1;
  for (cache.add(n, 1h); fs::file_size(cache.entry(n)) != 2048; cache.add(++n, 1h)) {
    REQUIRE(n < 1000);
    fs::remove(cache.entry(n));
  }
  CHECK(cache.mem().reduce_size({.bytes_limit = "2K"}) == entry_totals{});
  CHECK(cache.mem().reduce_size({.bytes_limit = "2047"}) == entry_totals{1, 2048});
}

TEST_CASE("reduce_size: age_limit removes what was not used for longer, whatever the other limits allow") {
  const filled_cache cache;
  cache.add(1, 10h);
  cache.add(2, 30h);
  cache.add(3, 26h);
  CHECK(cache.mem().reduce_size({.items_limit = 10, .age_limit = 25h}).entries == 2);
  CHECK(cache.stored({1, 2, 3}) == std::set<int>{1});
  CHECK(cache.mem().reduce_size({.age_limit = std::chrono::seconds::max()}).entries == 0);
  CHECK(cache.mem().reduce_size({.age_limit = 0s}).entries == 1);
}

TEST_CASE("reduce_size: an entry from the future is not old") {
  const filled_cache cache;
  cache.add(1, -1000h);
  set_times(cache.entry(1), -1000h, -1000h);
  CHECK(cache.mem().reduce_size({.age_limit = 0s}).entries == 0);
  CHECK(cache.stored({1}).size() == 1);
}

TEST_CASE("reduce_size: items_limit 0 empties the cache and leaves no directories of its own") {
  const filled_cache cache;
  cache.add(1, 1h);
  cache.add(2, 1h, "2");
  write_file(cache.location() / ".larder-lock", "");
  CHECK(cache.mem().reduce_size({.items_limit = 0}).entries == 2);
  std::set<std::string> names;
  for (const auto& each : fs::directory_iterator(cache.location()))
    names.insert(each.path().filename().string());
  CHECK(names == std::set<std::string>{".gitignore", ".larder-lock", "CACHEDIR.TAG"});
  CHECK(cache.mem().reduce_size({.items_limit = 0}) == entry_totals{});
}

TEST_CASE("reduce_size: of entries that were used at the same moment, those with the lowest keys go") {
  const filled_cache cache;
  for (int n = 1; n <= 8; ++n) cache.function("1")(n);
  std::vector<fs::path> entries = entries_in(cache.location());  // their paths end in their keys
  const timespec moment = {1'600'000'000, 0};
  const timespec times[2] = {moment, moment};
  for (const fs::path& each : entries) REQUIRE(::utimensat(AT_FDCWD, each.c_str(), times, 0) == 0);
  std::sort(entries.begin(), entries.end());
  cache.mem().reduce_size({.items_limit = 3});
  std::vector<fs::path> left = entries_in(cache.location());
  std::sort(left.begin(), left.end());
  CHECK(left == std::vector<fs::path>(entries.end() - 3, entries.end()));
}

TEST_CASE("reduce_size: without limits, and within them, nothing changes") {
  const filled_cache cache;
  cache.add(1, 30h);
  cache.add(2, 10h);
  const auto before = state_of(cache.location());
  CHECK(cache.mem().reduce_size({}) == entry_totals{});
  CHECK(cache.mem().reduce_size({.bytes_limit = "1G", .items_limit = 2, .age_limit = 31h}) == entry_totals{});
  CHECK(state_of(cache.location()) == before);
}

TEST_CASE("reduce_size: what is no limit is refused by name, and nothing goes") {
  const filled_cache cache;
  cache.add(1, 30h);
  CHECK_THROWS_AS(cache.mem().reduce_size({.items_limit = 0, .age_limit = -1s}), larder::value_error);
  CHECK_THROWS_WITH(cache.mem().reduce_size({.age_limit = -1s}), ContainsSubstring("age_limit = -1 s"));
  CHECK_THROWS_WITH(cache.mem().reduce_size({.bytes_limit = "lots", .items_limit = 0}),
                    ContainsSubstring("reduce_size: bytes_limit = \"lots\""));
  CHECK_THROWS_AS(memory("").reduce_size({.bytes_limit = "-1"}), larder::value_error);
  CHECK(cache.stored({1}).size() == 1);
}

TEST_CASE(
    "reduce_size: a memory that caches nothing, or whose directory is not there yet, has nothing to remove") {
  const scratch_dir dir;
  CHECK(memory("").reduce_size({.items_limit = 0}) == entry_totals{});
  CHECK(memory(dir / "absent").reduce_size({.items_limit = 0}) == entry_totals{});
  CHECK(dir.names().empty());
}

TEST_CASE("reduce_size: a read-only memory refuses") {
  const filled_cache cache;
  cache.add(1, 30h);
  const memory mem(cache.location(), {.read_only = true});
  CHECK_THROWS_AS(mem.reduce_size({.items_limit = 0}), larder::value_error);
  CHECK_THROWS_WITH(mem.reduce_size({.items_limit = 0}), ContainsSubstring("read_only"));
  CHECK(cache.stored({1}).size() == 1);
}

TEST_CASE("reduce_size: results that are mapped when their entries go stay valid") {
  const scratch_dir dir;
  const memory mem(dir / "cache");
  auto f = mem.cache("ramp", ramp, {.version = "1"});
  const auto kept = f(100'000);
  REQUIRE(kept.is_mapped());
  CHECK(mem.reduce_size({.items_limit = 0}).entries == 1);
  CHECK_FALSE(f.check_call_in_cache(100'000));
  int wrong = 0;
  for (int i = 0; i < 100'000; ++i) wrong += kept(i) != i;
  CHECK(wrong == 0);
  CHECK(f.evaluate(100'000).how == larder::outcome::computed);
}

TEST_CASE("reduce_size: temporary files that were left behind go, and those of a process at work stay") {
  const filled_cache cache;
  cache.add(1, 1h);
  const fs::path two = cache.entry(1).parent_path();
  const fs::path left = two / ("." + cache.entry(1).filename().string() + ".larder-0123456789abcdef");
  const fs::path at_work = two / ("." + cache.entry(1).filename().string() + ".larder-fedcba9876543210");
  const fs::path above = cache.location() / "..gitignore.larder-0123456789abcdef";
  for (const fs::path& path : {left, at_work, above}) write_file(path, "half");
  for (const fs::path& path : {left, above}) set_times(path, 2h, 0h);
  CHECK(cache.mem().reduce_size({.items_limit = 1}) == entry_totals{});
  CHECK_FALSE(fs::exists(left));
  CHECK_FALSE(fs::exists(above));
  CHECK(fs::exists(at_work));
  CHECK(cache.stored({1}).size() == 1);
}

TEST_CASE("reduce_size: what has not the form of an entry is neither counted nor removed") {
  const filled_cache cache;
  cache.add(1, 1h);
  const std::string hex = cache.entry(1).filename().string();
  const fs::path two = cache.entry(1).parent_path();
  const fs::path code = two.parent_path();
  const std::vector<fs::path> others = {two / hex.substr(1), two / (hex + "0"), two / "notes", code / "notes",
                                        cache.location() / "notes"};
  for (const fs::path& each : others) write_file(each, "mine");
  const std::vector<fs::path> directories = {
      cache.location() / "ramp" / "1",   cache.location() / "%61" / "v-1",
      cache.location() / "a+b" / "v-1",  cache.location() / ".ramp" / "v-1",
      cache.location() / "ramp" / "v-%", cache.location() / "ramp" / "v-%4G"};
  for (const fs::path& each : directories) {
    fs::create_directories(each / "00");
    write_file(each / "00" / hex, "mine");
  }
  CHECK(cache.mem().reduce_size({.items_limit = 0}).entries == 1);
  for (const fs::path& each : others) CHECK(read_file(each) == "mine");
  for (const fs::path& each : directories) CHECK(read_file(each / "00" / hex) == "mine");
}

TEST_CASE("a catalog has the names, keys, sizes and times of all entries") {
  const scratch_dir dir;
  const memory mem(dir / "cache");
  const std::string odd = ".stats/\xC3\xA9 mean%";
  auto f = mem.cache(odd, ramp, {.version = ".1/2 b"});
  f(10);
  mem.cache("ramp", ramp)(10);
  const auto catalog = larder::detail::read_catalog((dir / "cache").string());
  REQUIRE(catalog.entries.size() == 2);
  const auto& entry =
      catalog.codes[catalog.entries[0].code].function == odd ? catalog.entries[0] : catalog.entries[1];
  const auto& other = &entry == &catalog.entries[0] ? catalog.entries[1] : catalog.entries[0];
  CHECK(catalog.codes[entry.code].function == odd);
  CHECK(catalog.codes[entry.code].code == "v-.1/2 b");
  CHECK(entry.key == f.key(10));
  CHECK(entry.bytes == fs::file_size(catalog.path_of(entry)));
  struct stat status {};
  REQUIRE(::stat(catalog.path_of(entry).c_str(), &status) == 0);
  CHECK(entry.created.time_since_epoch() ==
        std::chrono::seconds(status.st_mtim.tv_sec) + std::chrono::nanoseconds(status.st_mtim.tv_nsec));
  CHECK(entry.last_used >= entry.created);
  CHECK(catalog.codes[other.code].function == "ramp");
  CHECK_THAT(catalog.codes[other.code].code, Catch::Matchers::StartsWith("b-"));

  CHECK(larder::detail::read_catalog((dir / "cache").string(), odd).entries.size() == 1);
  CHECK(larder::detail::read_catalog((dir / "cache").string(), "absent").entries.empty());
}

TEST_CASE("clear and reduce_size find entries whatever the names of function and version") {
  const scratch_dir dir;
  const memory mem(dir / "cache");
  const std::string name = GENERATE(".", "..", "/", "%", "%41", "a%", "\n", "\xFF", "v-1", "00", "name");
  const bool clears = GENERATE(true, false);
  INFO(name);
  auto f = mem.cache(name, ramp, {.version = name});
  f(5);
  if (clears) {
    f.clear();
  } else {
    CHECK(mem.reduce_size({.items_limit = 0}).entries == 1);
  }
  CHECK(entries_in(dir / "cache").empty());
}

TEST_CASE("there is nothing to forget or clear where a file lies in a directory's place") {
  const scratch_dir dir;
  write_file(dir / "cache", "not a directory");
  const memory mem(dir / "cache");
  auto f = mem.cache("ramp", ramp, {.version = "1"});
  CHECK_NOTHROW(f.forget(5));
  CHECK_NOTHROW(f.clear());
  CHECK_NOTHROW(mem.clear());
  CHECK(mem.reduce_size({.items_limit = 0}) == entry_totals{});
  CHECK(read_file(dir / "cache") == "not a directory");
}

TEST_CASE("of each function, the codes that are not the last one used can go") {
  const filled_cache cache;
  cache.add(1, 30h, "1");
  cache.add(2, 5h, "1");
  cache.add(1, 20h, "2");
  cache.add(2, 10h, "2");
  cache.mem().cache("other", ramp, {.version = "1"})(1);
  const auto before = state_of(cache.location());
  const larder::detail::eviction_limits limits{.other_codes = true};
  auto catalog = larder::detail::read_catalog(cache.location().string());
  const auto would = larder::detail::evict(catalog, limits, larder::detail::eviction_mode::dry_run);
  CHECK(state_of(cache.location()) == before);
  const auto done = larder::detail::evict(catalog, limits);
  CHECK(done.removed.entries == 2);
  CHECK(done.kept.entries == 3);
  CHECK(would.removed == done.removed);
  CHECK(would.kept == done.kept);
  CHECK(cache.stored({1, 2}, "1") == std::set<int>{1, 2});
  CHECK(cache.stored({1, 2}, "2").empty());
  CHECK_FALSE(fs::exists(cache.location() / "ramp" / "v-2"));
  CHECK(fs::exists(cache.location() / "other"));
}

TEST_CASE("what somebody else removed after the walk does not count as removed") {
  const filled_cache cache;
  cache.add(1, 30h);
  cache.add(2, 20h);
  auto catalog = larder::detail::read_catalog(cache.location().string());
  const auto bytes = fs::file_size(cache.entry(2));
  fs::remove(cache.entry(1));
  const auto done = larder::detail::evict(catalog, {.items = 0});
  CHECK(done.removed == entry_totals{1, bytes});
  CHECK(done.kept == entry_totals{});
}
