// What lies in a cache is damaged while it is in use: the result is computed again, and takes the place of the damage.

#include <larder/memory.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <larder/dump.hpp>
#include <larder/fields.hpp>
#include <larder/inspect.hpp>

#include "tests/cached_functions.hpp"
#include "tests/captured_log.hpp"
#include "tests/catch.hpp"
#include "tests/child_process.hpp"
#include "tests/file_bytes.hpp"
#include "tests/read_again.hpp"
#include "tests/scratch_dir.hpp"

namespace fs = std::filesystem;
using Catch::Matchers::ContainsSubstring;
using larder::array;
using larder::memory;
using larder::outcome;

namespace damaged {

struct fit {
  int slope = 0;
  array<const double> residuals;
  LARDER_FIELDS(slope, residuals)
};

int twice(int n) { return 2 * n; }
std::vector<int> row(int n) { return std::vector<int>(std::size_t(n), n); }
fit fitted(int n) { return {.slope = n, .residuals = ramp(n)}; }

bool is_right(int value, int n) { return value == twice(n); }
bool is_right(const std::vector<int>& value, int n) { return value == row(n); }
bool is_right(const array<const double>& value, int n) {
  return std::ranges::equal(value.flat(), ramp(n).flat());
}
bool is_right(const fit& value, int n) { return value.slope == n && is_right(value.residuals, n); }

/// Whether loading a `moody` fails.
bool is_in_a_mood = false;
struct moody {
  array<const double> numbers;
  template <class Archive>
  void save(Archive& out) const {
    out(numbers);
  }
  template <class Archive>
  void load(Archive& in) {
    in(numbers);
    if (is_in_a_mood) throw std::runtime_error("in a mood");
  }
};
moody moody_ramp(int n) {
  ++calls;
  return {ramp(n)};
}

}  // namespace damaged

using namespace damaged;

namespace {

constexpr int k_mapped = 3'000;  // numbers: these come mapped

/// By another file: what is mapped of the old one stays as it was.
void replace(const fs::path& entry, const std::string& content) {
  fs::remove(entry);
  write_file(entry, content);
}

std::string with_flipped_bit(std::string bytes, std::size_t at) {
  bytes[at] = static_cast<char>(bytes[at] ^ 4);
  return bytes;
}

struct damage {
  std::string name;
  std::function<void(const fs::path& entry)> apply;
  bool counts = true;  // as an entry that is there and damaged
};

const std::vector<damage> k_damages = {
    {"cut short", [](const fs::path& p) { replace(p, read_file(p).substr(0, read_file(p).size() / 2)); }},
    {"cut by a byte", [](const fs::path& p) { replace(p, read_file(p).substr(0, read_file(p).size() - 1)); }},
    {"empty", [](const fs::path& p) { replace(p, ""); }},
    {"one byte more", [](const fs::path& p) { replace(p, read_file(p) + "x"); }},
    {"another type",
     [](const fs::path& p) {
       fs::remove(p);
       larder::dump(array<float>({50}), p);
     }},
    {"a plain .npy",
     [](const fs::path& p) {
       larder::dump(ramp(50), p);
       replace(p, read_file(p).substr(0, 128 + 50 * 8));
     }},
    {"text", [](const fs::path& p) { replace(p, "This is no entry."); }},
    {"a bit flipped in place",
     [](const fs::path& p) {
       fs::permissions(p, fs::perms::owner_write, fs::perm_options::add);
       std::fstream file(p, std::ios::in | std::ios::out | std::ios::binary);
       file.seekp(70);
       file.put('~');
     }},
    {"a directory",
     [](const fs::path& p) {
       fs::remove(p);
       fs::create_directories(p / "inner");
     }},
    {"a fifo",
     [](const fs::path& p) {
       fs::remove(p);
       REQUIRE(::mkfifo(p.c_str(), 0600) == 0);
     }},
    {"a link to itself",
     [](const fs::path& p) {
       fs::remove(p);
       fs::create_symlink(p, p);
     }},
    {"a link to nowhere",
     [](const fs::path& p) {
       fs::remove(p);
       fs::create_symlink("nowhere", p);
     }},
    {"nothing", [](const fs::path& p) { fs::remove(p); }, false},
    {"no cache at all",
     [](const fs::path& p) { fs::remove_all(p.parent_path().parent_path().parent_path().parent_path()); },
     false},
};

/// An entry that is in use, of any kind of result.
template <auto Function>
struct entry_in_use {
  explicit entry_in_use(int number, larder::memory_options options = {})
      : n(number), mem(dir / "cache", options) {
    f(n);
    const auto entries = entries_in(dir / "cache");
    REQUIRE(entries.size() == 1);
    path = entries[0];
  }

  /// After it was damaged: a miss that is counted, and replaced.
  void check_recovers(bool counts = true) {
    const auto before = mem.stats();
    const auto again = f.evaluate(n);
    CHECK(again.how == outcome::computed);
    CHECK(is_right(again.value, n));
    CHECK(mem.stats().misses == before.misses + 1);
    CHECK(mem.stats().corrupt == before.corrupt + (counts ? 1 : 0));
    const auto hit = f.evaluate(n);
    CHECK(hit.how == outcome::hit);
    CHECK(is_right(hit.value, n));
    CHECK_NOTHROW(larder::verify(path));
    CHECK(fs::is_regular_file(fs::symlink_status(path)));
  }

  scratch_dir dir;
  int n;
  memory mem;
  decltype(std::declval<memory>().cache("f", Function)) f = mem.cache("f", Function, {.version = "1"});
  fs::path path;
};

/// What the call before found decides how the next one looks.
enum class before { a_hit, a_miss };

template <auto Function>
void survives_damage(int n, before last = before::a_hit) {
  for (const damage& each : k_damages) {
    INFO(each.name);
    entry_in_use<Function> entry(n);
    const auto in_use = entry.f(n);
    if (last == before::a_miss) entry.f(n + 1);
    const captured_log log;
    each.apply(entry.path);
    entry.check_recovers(each.counts);
    CHECK(is_right(in_use, n));
    REQUIRE(log.warnings.size() == (each.counts ? 1 : 0));
    if (each.counts)
      CHECK_THAT(log.warnings[0], ContainsSubstring(entry.path.string()) && ContainsSubstring("\"f\""));
  }
}

/// Entries that are hit so often that they are no longer read.
template <auto Function>
void survives_damage_when_known(int n) {
  std::vector<std::unique_ptr<entry_in_use<Function>>> entries;
  for (std::size_t i = 0; i < k_damages.size(); ++i)
    entries.push_back(std::make_unique<entry_in_use<Function>>(n));
  for (const auto& each : entries) each->f(n);  // marked as used: all are as old then
  for (std::size_t i = 0; i < k_damages.size(); ++i) {
    entry_in_use<Function>& entry = *entries[i];
    INFO(k_damages[i].name);
    repeat_until_known(entry.path, [&] { entry.f(n); });
    const captured_log log;
    k_damages[i].apply(entry.path);
    entry.check_recovers(k_damages[i].counts);
    CHECK(log.warnings.size() == (k_damages[i].counts ? 1 : 0));
  }
}

/// `step` bytes apart, from the first to the last.
template <auto Function>
void survives_flips(int n, std::size_t step, larder::memory_options options = {}) {
  entry_in_use<Function> entry(n, options);
  const captured_log log;
  const std::string whole = read_file(entry.path);
  for (std::size_t at = 0; at < whole.size(); at += step) {
    CAPTURE(at);
    replace(entry.path, with_flipped_bit(read_file(entry.path), at));
    entry.check_recovers();
  }
}

}  // namespace

TEST_CASE("damage while in use: whatever becomes of an entry is a miss, and is replaced") {
  SECTION("of an int") { survives_damage<twice>(50); }
  SECTION("of a vector") { survives_damage<row>(50); }
  SECTION("of an array") { survives_damage<ramp>(50); }
  SECTION("of a mapped array") { survives_damage<ramp>(k_mapped); }
  SECTION("of an object") { survives_damage<fitted>(50); }
  SECTION("of an object with a mapped array") { survives_damage<fitted>(k_mapped); }
  SECTION("of an int, after a miss") { survives_damage<twice>(50, before::a_miss); }
  SECTION("of a mapped array, after a miss") { survives_damage<ramp>(k_mapped, before::a_miss); }
}

TEST_CASE("damage while in use: an entry that is known, and not read any more, is a miss as well") {
  SECTION("of an int") { survives_damage_when_known<twice>(50); }
  SECTION("of a vector") { survives_damage_when_known<row>(50); }
  SECTION("of an array") { survives_damage_when_known<ramp>(50); }
  SECTION("of an object") { survives_damage_when_known<fitted>(50); }
}

TEST_CASE("damage while in use: a flipped bit anywhere in a small entry is a miss, and is replaced") {
  SECTION("of an int") { survives_flips<twice>(50, 3); }
  SECTION("of a vector") { survives_flips<row>(50, 3); }
  SECTION("of an array") { survives_flips<ramp>(50, 3); }
  SECTION("of an object") { survives_flips<fitted>(50, 3); }
}

TEST_CASE("damage while in use: with full verification, so is one anywhere in a large entry") {
  const larder::memory_options full{.verification = larder::verification::full};
  constexpr int k_many = 600'000;  // 4.8 MB: above the size that `automatic` checks
  SECTION("of an array") { survives_flips<ramp>(k_many, 2'400'011, full); }
  SECTION("of an object") { survives_flips<fitted>(k_many, 2'400'011, full); }
}

TEST_CASE("damage while in use: an entry that may not be read is a miss, and is replaced") {
  const scratch_dir dir;
  fs::permissions(dir.path(), fs::perms::all);
  child_process nobody([&] {
    if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) return 1;
    const captured_log log;
    const memory mem(dir / "cache");
    const auto f = mem.cache("ramp", ramp, {.version = "1"});
    f(50);
    fs::permissions(entries_in(dir / "cache").at(0), fs::perms::none);
    const auto again = f.evaluate(50);
    if (again.how != outcome::computed || !is_right(again.value, 50)) return 2;
    if (mem.stats().corrupt != 1 || log.warnings.size() != 1) return 3;
    return f.evaluate(50).how == outcome::hit ? 0 : 4;
  });
  CHECK(nobody.wait() == 0);
}

TEST_CASE("an object whose own code throws when it is loaded is computed, as often as that happens") {
  const scratch_dir dir;
  const captured_log log;
  const memory mem(dir / "cache");
  const auto f = mem.cache("moody", moody_ramp, {.version = "1"});
  const int n = GENERATE(50, k_mapped);
  f(n);
  is_in_a_mood = true;
  for (int call = 0; call < 2; ++call) {
    const auto result = f.evaluate(n);
    CHECK(result.how == outcome::computed);
    CHECK(is_right(result.value.numbers, n));
  }
  // The first time that it is stored, what is mapped is loaded at once.
  const auto anew = f.evaluate(n + 1);
  CHECK(anew.how == outcome::computed);
  CHECK(is_right(anew.value.numbers, n + 1));
  is_in_a_mood = false;
  CHECK(log.warnings.size() == 1);
  CHECK_THAT(log.warnings.at(0), ContainsSubstring("in a mood"));
  CHECK(mem.stats().corrupt == 0);
  CHECK(f.evaluate(n).how == outcome::hit);
  CHECK(f.evaluate(n + 1).how == outcome::hit);
}
