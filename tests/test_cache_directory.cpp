// The cache's directory: what lies in it, and what happens when it is not as it should be.

#include <larder/larder.hpp>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/cached_functions.hpp"
#include "tests/captured_log.hpp"
#include "tests/catch.hpp"
#include "tests/child_process.hpp"
#include "tests/file_bytes.hpp"
#include "tests/scratch_dir.hpp"

namespace fs = std::filesystem;
using Catch::Matchers::ContainsSubstring;
using larder::array;
using larder::memory;
using larder::outcome;

namespace {

/// Runs a body in a child process without root's powers; returns its exit status.
template <class Body>
int as_nobody(Body body) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) ::_exit(100);
    ::_exit(body());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/// As a result that is worth to be kept through a power failure.
array<const double> slow_ramp(int n) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(110);
  while (std::chrono::steady_clock::now() < end) continue;
  return ramp(n);
}

}  // namespace

TEST_CASE("nothing is created before something has to be computed, and an empty location never caches") {
  scratch_dir dir;
  memory mem(dir / "a" / "b" / "cache");
  auto f = mem.cache("ramp", ramp, {.version = "1"});
  CHECK_FALSE(f.check_call_in_cache(5));
  CHECK(dir.names().empty());
  f(5);
  CHECK(f.check_call_in_cache(5));
  CHECK(read_file(dir / "a/b/cache/.gitignore") == "*\n");
  CHECK_THAT(read_file(dir / "a/b/cache/CACHEDIR.TAG"),
             ContainsSubstring("Signature: 8a477f597d28d172789f06886806bc55"));
  struct stat status {};
  REQUIRE(::stat((dir / "a/b/cache").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0700);
  for (const auto& entry : entries_in(dir / "a")) {
    REQUIRE(::stat(entry.c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0444);
  }

  auto never = memory("").cache("ramp", ramp, {.version = "1"});
  calls = 0;
  CHECK(never.evaluate(5).how == outcome::bypassed);
  CHECK(never.evaluate(5).how == outcome::bypassed);
  CHECK_FALSE(never.check_call_in_cache(5));
  CHECK_NOTHROW(never.forget(5));
  CHECK_NOTHROW(never.clear());
  CHECK(calls == 2);
}

TEST_CASE("an existing .gitignore stays, and a directory with other files in it gets none") {
  scratch_dir dir;
  fs::create_directory(dir / "mine");
  write_file(dir / "mine" / "notes.txt", "keep");
  fs::permissions(dir / "mine", fs::perms::owner_all);
  memory mem(dir / "mine");
  mem.cache("ramp", ramp, {.version = "1"})(5);
  CHECK_FALSE(fs::exists(dir / "mine" / ".gitignore"));
  mem.clear();
  CHECK(read_file(dir / "mine" / "notes.txt") == "keep");

  fs::create_directory(dir / "killed");  // after the first of the two was written
  fs::permissions(dir / "killed", fs::perms::owner_all);
  write_file(dir / "killed" / ".gitignore", "*\n");
  memory(dir / "killed").cache("ramp", ramp, {.version = "1"})(5);
  CHECK(fs::exists(dir / "killed" / "CACHEDIR.TAG"));

  fs::create_directory(dir / "other");
  fs::permissions(dir / "other", fs::perms::owner_all);
  write_file(dir / "other" / ".gitignore", "custom");
  memory(dir / "other").cache("ramp", ramp, {.version = "1"})(5);
  CHECK(read_file(dir / "other" / ".gitignore") == "custom");
}

TEST_CASE("a relative location is fixed when the memory is made") {
  scratch_dir dir;
  const fs::path before = fs::current_path();
  fs::current_path(dir.path());
  memory mem("cache/");
  fs::current_path(before);
  CHECK(mem.location() == dir / "cache");
  mem.cache("ramp", ramp, {.version = "1"})(5);
  CHECK(fs::exists(dir / "cache" / "ramp"));
}

TEST_CASE("a result that is mapped survives forget, clear, and the removal of the whole directory") {
  scratch_dir dir;
  memory mem(dir / "cache");
  auto f = mem.cache("ramp", ramp, {.version = "1"});
  auto other = mem.cache("ramp", ramp, {.version = "2"});
  const auto kept = f(5000);
  REQUIRE(kept.is_mapped());
  f(1000);
  other(1000);

  f.forget(1000);
  CHECK_FALSE(f.check_call_in_cache(1000));
  CHECK_NOTHROW(f.forget(1000));
  CHECK(f.evaluate(1000).how == outcome::computed);

  f.clear();
  CHECK_FALSE(f.check_call_in_cache(1000));
  CHECK_NOTHROW(f.clear());
  CHECK(other.check_call_in_cache(1000));

  f(1000);
  mem.clear();
  CHECK_FALSE(other.check_call_in_cache(1000));
  CHECK(entries_in(dir / "cache").empty());
  CHECK_NOTHROW(mem.clear());

  fs::remove_all(dir / "cache");
  for (int i = 0; i < 5000; ++i) CHECK(kept(i) == i);
  CHECK(f.evaluate(1000).how == outcome::computed);
  CHECK(f.evaluate(1000).how == outcome::hit);
}

TEST_CASE("clear leaves what only looks like a temporary file of the cache") {
  scratch_dir dir;
  memory mem(dir / "cache");
  mem.cache("ramp", ramp, {.version = "1"})(5);
  const fs::path directory = dir / "cache" / ".mine.larder-0123456789abcdef";
  const fs::path other = dir / "cache" / ".mine.larder-notes";
  fs::create_directory(directory);
  write_file(directory / "notes.txt", "keep");
  write_file(other, "keep");
  for (const fs::path& path : {directory, other}) {
    fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::hours(24));
  }
  mem.clear();
  CHECK(read_file(directory / "notes.txt") == "keep");
  CHECK(read_file(other) == "keep");
}

TEST_CASE("a location that somebody opens to all before the first store is not used") {
  scratch_dir dir;
  const captured_log log;
  const memory mem(dir / "cache");
  auto f = mem.cache("opened",
                     [](const std::string& location) {
                       fs::permissions(location, fs::perms::all);
                       return std::vector<int>{1};
                     },
                     {.version = "1"});
  CHECK(f((dir / "cache").string()) == std::vector<int>{1});
  CHECK(entries_in(dir / "cache").empty());
  REQUIRE(log.warnings.size() == 1);
  CHECK_THAT(log.warnings[0], ContainsSubstring("others may write"));
}

TEST_CASE("a read-only memory loads what is there and stores nothing") {
  scratch_dir dir;
  memory(dir / "cache").cache("ramp", ramp, {.version = "1"})(5);
  memory mem(dir / "cache", {.read_only = true});
  auto f = mem.cache("ramp", ramp, {.version = "1"});
  CHECK(f.evaluate(5).how == outcome::hit);
  CHECK(f.evaluate(6).how == outcome::bypassed);
  CHECK(f.evaluate(6).how == outcome::bypassed);
  CHECK(entries_in(dir / "cache").size() == 1);
}

TEST_CASE("a file in place of the cache directory: results come, with one warning in all") {
  scratch_dir dir;
  write_file(dir / "cache", "not a directory");
  const captured_log log;
  auto f = memory(dir / "cache").cache("ramp", ramp, {.version = "1"});
  for (const int n : {5, 6, 5}) {
    const auto e = f.evaluate(n);
    CHECK(e.how == outcome::computed);
    CHECK(e.value(4) == 4);
  }
  CHECK(log.warnings.size() == 1);
  CHECK_THAT(log.warnings.at(0),
             ContainsSubstring((dir / "cache").string()) && ContainsSubstring("Not a directory"));
  CHECK(read_file(dir / "cache") == "not a directory");
}

TEST_CASE("a directory that may not be written to: results come, with one warning") {
  scratch_dir dir;
  fs::permissions(dir.path(), fs::perms::others_read | fs::perms::others_exec, fs::perm_options::add);
  memory(dir / "cache").cache("ramp", ramp, {.version = "1"})(5);
  const auto look = fs::perms::others_read | fs::perms::others_exec;
  fs::permissions(dir / "cache", look, fs::perm_options::add);
  for (const auto& item : fs::recursive_directory_iterator(dir / "cache")) {
    fs::permissions(item.path(), item.is_directory() ? look : fs::perms::others_read, fs::perm_options::add);
  }
  if (::geteuid() != 0) fs::permissions(dir / "cache", fs::perms::owner_write, fs::perm_options::remove);
  const int status = as_nobody([&] {
    const captured_log log;
    auto f = memory(dir / "cache").cache("ramp", ramp, {.version = "1"});
    if (f.evaluate(5).how != outcome::hit) return 1;
    if (f.evaluate(6).value(5) != 5 || f.evaluate(7).value(6) != 6) return 2;
    if (log.warnings.size() != 1) return 3;
    return log.warnings[0].find("Permission denied") == std::string::npos ? 4 : 0;
  });
  CHECK(status == 0);
  if (::geteuid() != 0) fs::permissions(dir / "cache", fs::perms::owner_write, fs::perm_options::add);
}

TEST_CASE("a location that others may write to, or that is another user's, is refused with what mends it") {
  scratch_dir dir;
  fs::create_directory(dir / "open");
  fs::permissions(dir / "open", fs::perms::all);
  CHECK_THROWS_AS(memory(dir / "open"), larder::value_error);
  CHECK_THROWS_WITH(memory(dir / "open"),
                    ContainsSubstring((dir / "open").string()) && ContainsSubstring("chmod go-w"));
  fs::permissions(dir / "open", fs::perms::owner_all);
  CHECK_NOTHROW(memory(dir / "open"));
  if (::geteuid() == 0) {
    REQUIRE(::chown((dir / "open").c_str(), 12345, 12345) == 0);
    CHECK_THROWS_WITH(memory(dir / "open"), ContainsSubstring("another user"));
  }
}

TEST_CASE("the metadata of an entry say what it is") {
  scratch_dir dir;
  auto f = memory(dir / "cache")
               .cache("repeated",
                      [](int n, const std::string& text, bool) {
                        return std::vector<std::size_t>{text.size() * std::size_t(n)};
                      },
                      {.version = "7"});
  const auto [text, described] = GENERATE(table<std::string, std::string>(
      {{"plain", "plain"}, {"a \"b\" \\c\n\x01\x7f ü \xff", "a \"b\" \\c\n\x01\x7f ü \uFFFD"}}));
  f(3, text, true);
  const auto entries = entries_in(dir / "cache");
  REQUIRE(entries.size() == 1);
  const auto metadata = nlohmann::json::parse(larder::inspect(entries[0]).metadata);
  CHECK(metadata.size() == 6);
  CHECK(metadata.at("function") == "repeated");
  CHECK(metadata.at("code") == "v-7");
  CHECK(metadata.at("arguments") == "3, \"" + described + "\", true");
  CHECK(metadata.at("seconds").get<double>() >= 0);
  CHECK_FALSE(metadata.at("host").get<std::string>().empty());
  auto time = metadata.at("time").get<std::string>();
  std::ranges::replace_if(
      time, [](char c) { return c >= '0' && c <= '9'; }, '0');
  CHECK(time == "0000-00-00T00:00:00.000000Z");
}

TEST_CASE("several processes fill one cache at the same time, and every entry is whole") {
  scratch_dir dir;
  std::vector<pid_t> children;
  for (int c = 0; c < 4; ++c) {
    const pid_t child = ::fork();
    if (child == 0) {
      int status = 0;
      auto f = memory(dir / "cache").cache("ramp", ramp, {.version = "1"});
      for (int n = 1; n <= 50; ++n) {
        if (f(n)(n - 1) != n - 1) status = 1;
      }
      ::_exit(status);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(status == 0);
  }
  const auto entries = entries_in(dir / "cache");
  CHECK(entries.size() == 50);
  for (const auto& entry : entries) CHECK(larder::verify(entry).state == larder::file_state::sealed);
}

TEST_CASE("cache entries refuse to be mapped read_write") {
  scratch_dir dir;
  memory(dir / "cache").cache("ramp", ramp, {.version = "1"})(5);
  const auto entries = entries_in(dir / "cache");
  REQUIRE(entries.size() == 1);
  CHECK_THROWS_AS(larder::load<array<double>>(entries[0], {.mmap_mode = larder::mmap_mode::read_write}),
                  larder::io_error);
  CHECK(larder::verify(entries[0]).state == larder::file_state::sealed);
}

TEST_CASE("a result is stored while others clear the cache over and over") {
  scratch_dir dir;
  const captured_log log;
  memory mem(dir / "cache");
  auto f = mem.cache("ramp", ramp, {.version = "1"});
  std::atomic<bool> done = false;
  std::string fault;
  std::thread clearer([&] {
    try {
      while (!done) mem.clear();
    } catch (const std::exception& e) {
      fault = e.what();
    }
  });
  int wrong = 0;
  for (int round = 0; round < 300; ++round) {
    const int n = round % 2 == 0 ? 1 + round : 3000 + round;  // copied, and mapped
    const auto result = f(n);
    if (result.size() != static_cast<std::size_t>(n) || result(n - 1) != n - 1) ++wrong;
  }
  // What took so long is synced, with the directory that it lies in.
  auto slow = mem.cache("slow_ramp", slow_ramp, {.version = "1"});
  for (int n = 1; n <= 10; ++n) {
    if (slow(n).size() != static_cast<std::size_t>(n)) ++wrong;
  }
  done = true;
  clearer.join();
  CHECK(wrong == 0);
  CHECK(fault.empty());
  CHECK(log.warnings == std::vector<std::string>());

  // Nothing is broken for the next one.
  f(7);
  CHECK(f.evaluate(7).how == outcome::hit);
}

TEST_CASE("clear also removes a directory in an entry's place, and leaves no directory of its own") {
  scratch_dir dir;
  memory mem(dir / "cache");
  auto f = mem.cache("ramp", ramp, {.version = "1"});
  const bool all = GENERATE(true, false);
  f(5);
  const auto entries = entries_in(dir / "cache");
  REQUIRE(entries.size() == 1);
  fs::remove(entries[0]);
  fs::create_directories(entries[0] / "inner");
  write_file(entries[0] / "inner" / "file", "text");
  if (all) {
    mem.clear();
    CHECK_FALSE(fs::exists(dir / "cache" / "ramp"));
  } else {
    f.clear();
    CHECK_FALSE(fs::exists(dir / "cache" / "ramp" / "v-1"));
  }
  CHECK(entries_in(dir / "cache").empty());
  CHECK(fs::exists(dir / "cache" / ".gitignore"));
}

TEST_CASE("clear leaves what has not the form of an entry") {
  scratch_dir dir;
  memory mem(dir / "cache");
  auto f = mem.cache("ramp", ramp, {.version = "1"});
  f(5);
  const auto entries = entries_in(dir / "cache");
  REQUIRE(entries.size() == 1);
  const fs::path two = entries[0].parent_path();
  const std::string hex = entries[0].filename().string();
  const std::vector<fs::path> others = {
      two / hex.substr(1),         two / (hex + "0"),           two / "notes",
      two / (hex.substr(1) + "G"), two.parent_path() / "notes", two.parent_path().parent_path() / "notes",
      dir / "cache" / "notes"};
  for (const fs::path& other : others) write_file(other, "mine");
  fs::create_directories(dir / "cache" / "data" / "00");
  write_file(dir / "cache" / "data" / "00" / hex, "mine");  // not below a code
  mem.clear();
  CHECK_FALSE(fs::exists(entries[0]));
  for (const fs::path& other : others) CHECK(read_file(other) == "mine");
  CHECK(read_file(dir / "cache" / "data" / "00" / hex) == "mine");
}

TEST_CASE("a directory that may not even be looked into is one warning for many calls") {
  scratch_dir dir;
  fs::permissions(dir.path(), fs::perms::others_exec, fs::perm_options::add);
  memory(dir / "cache").cache("ramp", ramp, {.version = "1"})(5);
  fs::permissions(dir / "cache", fs::perms::none);
  const int status = as_nobody([&] {
    const captured_log log;
    auto f = memory(dir / "cache").cache("ramp", ramp, {.version = "1"});
    for (int n = 1; n <= 20; ++n) {
      const auto e = f.evaluate(n);
      if (e.how != outcome::computed || e.value(n - 1) != n - 1) return 1;
      if (f.check_call_in_cache(n)) return 2;
    }
    if (log.warnings.size() != 1) return 100 + static_cast<int>(log.warnings.size() % 50);
    return log.warnings[0].find("Permission denied") == std::string::npos ? 3 : 0;
  });
  CHECK(status == 0);
  fs::permissions(dir / "cache", fs::perms::owner_all);
}

TEST_CASE("an entry that was mapped read_write is a miss with one warning, and is replaced") {
  scratch_dir dir;
  memory mem(dir / "cache");
  auto f = mem.cache("ramp", ramp, {.version = "1"});
  const int n = GENERATE(5, 3000, 1'000'000);  // copied; mapped; mapped and never hashed
  f(n);
  const auto entries = entries_in(dir / "cache");
  REQUIRE(entries.size() == 1);
  fs::permissions(entries[0], fs::perms::owner_write, fs::perm_options::add);
  larder::load<array<double>>(entries[0], {.mmap_mode = larder::mmap_mode::read_write})(n - 1) = -1;
  REQUIRE(larder::inspect(entries[0]).state == larder::file_state::dirty);

  const captured_log log;
  calls = 0;
  CHECK_FALSE(f.check_call_in_cache(n));
  const auto again = f.evaluate(n);
  CHECK(again.how == outcome::computed);
  CHECK(again.value(n - 1) == n - 1);
  CHECK(calls == 1);
  REQUIRE(log.warnings.size() == 1);
  CHECK_THAT(log.warnings[0], ContainsSubstring(entries[0].string()));
  CHECK(f.evaluate(n).how == outcome::hit);
  CHECK(f(n)(n - 1) == n - 1);
  CHECK(larder::verify(entries[0]).state == larder::file_state::sealed);
}

TEST_CASE("a log hook may make cached calls that warn in their turn") {
  scratch_dir dir;
  write_file(dir / "one", "not a directory");
  write_file(dir / "two", "not a directory");
  auto f = memory(dir / "one").cache("ramp", ramp, {.version = "1"});
  auto g = memory(dir / "two").cache("ramp", ramp, {.version = "1"});
  std::vector<std::string> warnings;
  std::size_t sum = 0;
  auto previous = larder::set_log_hook([&](larder::log_level, std::string_view text) {
    warnings.emplace_back(text);
    sum += f(3).size();  // the memory that warns at this moment
    sum += g(4).size();  // and one that has not warned yet
  });
  sum += f(5).size();
  larder::set_log_hook(std::move(previous));
  CHECK(warnings.size() == 2);
  CHECK(sum == 5 + 2 * (3 + 4));
}

TEST_CASE("a temporary file that was left in a new cache does not keep its .gitignore from it") {
  scratch_dir dir;
  fs::create_directory(dir / "cache");
  fs::permissions(dir / "cache", fs::perms::owner_all);
  const std::vector<std::string> left =
      GENERATE(std::vector<std::string>{"..gitignore.larder-0123456789abcdef"},
               std::vector<std::string>{"..gitignore.larder-0123456789abcdef", ".gitignore"},
               std::vector<std::string>{".CACHEDIR.TAG.larder-0123456789abcdef", ".gitignore"},
               std::vector<std::string>{"CACHEDIR.TAG"});
  for (const std::string& name : left) write_file(dir / "cache" / name, name == ".gitignore" ? "*\n" : "");
  memory(dir / "cache").cache("ramp", ramp, {.version = "1"})(5);
  CHECK(read_file(dir / "cache" / ".gitignore") == "*\n");
  CHECK(fs::exists(dir / "cache" / "CACHEDIR.TAG"));
}

TEST_CASE("a cache that is shared with a group is the group's, whatever the umask") {
  const scratch_dir dir;
  child_process child([&] {
    ::umask(077);
    const auto f = memory(dir / "cache", {.group_shared = true}).cache("ramp", ramp, {.version = "1"});
    return f(5).size() == 5 ? 0 : 1;
  });
  REQUIRE(child.wait() == 0);
  struct ::stat status {};
  const auto mode = [&](const fs::path& path) {
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_mode & 07777;
  };
  const auto entries = entries_in(dir / "cache");
  REQUIRE(entries.size() == 1);
  CHECK(mode(entries[0]) == 0444);
  CHECK(mode(dir / "cache") == 02770);
  CHECK(mode(entries[0].parent_path()) == 02770);
  CHECK(mode(dir / "cache" / ".larder-lock") == 0660);
  // Who does not share it does not trust it.
  CHECK_THROWS_AS(memory(dir / "cache"), larder::value_error);
  CHECK(memory(dir / "cache", {.group_shared = true}).cache("ramp", ramp, {.version = "1"}).evaluate(5).how ==
        outcome::hit);
}

TEST_CASE("nothing is stored by hand in a directory that turns out not to be trusted") {
  const scratch_dir dir;
  const captured_log log;
  const auto f = memory(dir / "cache").cache("ramp", ramp, {.version = "1"});
  fs::create_directory(dir / "cache");
  fs::permissions(dir / "cache", fs::perms::all);
  CHECK_THROWS_WITH(f.store(ramp(3), 3), ContainsSubstring("not trusted"));
  CHECK(fs::is_empty(dir / "cache"));
}
