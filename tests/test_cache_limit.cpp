// bytes_limit: the cache stays under it by itself, whoever fills it.

#include <larder/memory.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <larder/error.hpp>

#include "tests/cached_functions.hpp"
#include "tests/captured_log.hpp"
#include "tests/catch.hpp"
#include "tests/child_process.hpp"
#include "tests/file_bytes.hpp"
#include "tests/file_times.hpp"
#include "tests/scratch_dir.hpp"

namespace fs = std::filesystem;
using Catch::Matchers::ContainsSubstring;
using larder::memory;
using larder::outcome;

namespace {

std::vector<char> block(int n) { return std::vector<char>(2000, static_cast<char>(n)); }

/// Of all entries, while others may remove some.
std::uint64_t bytes_in(const fs::path& directory) {
  std::uint64_t bytes = 0;
  std::error_code gone;
  for (fs::directory_iterator it(directory, gone), end; !gone && it != end; it.increment(gone)) {
    std::error_code none;
    if (it->is_directory(none)) {
      bytes += bytes_in(it->path());
    } else if (it->path().filename().string().size() == 30) {
      const auto size = fs::file_size(it->path(), none);
      if (!none) bytes += size;
    }
  }
  return bytes;
}

/// The same at one instant, as far as the limit goes: with the lock on the count. Entries are counted before they are there, and are no more counted
/// only after they are gone, so that what a walk meets meanwhile was counted all the time.
std::uint64_t counted_bytes_in(const fs::path& directory) {
  const int fd = ::open((directory / ".larder-lock").c_str(), O_RDWR | O_CLOEXEC);
  REQUIRE(fd >= 0);
  struct ::flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_len = 1;
  REQUIRE(::fcntl(fd, F_OFD_SETLKW, &lock) == 0);
  const std::uint64_t bytes = bytes_in(directory);
  ::close(fd);
  return bytes;
}

}  // namespace

TEST_CASE("a cache stays under its limit of bytes, and what was used last stays") {
  const scratch_dir dir;
  const memory mem(dir / "cache", {.bytes_limit = "100K"});
  const auto f = mem.cache("block", block, {.version = "1"});
  for (int n = 0; n < 200; ++n) {
    const auto r = f.evaluate(n);
    CHECK(r.how == outcome::computed);
    CHECK(r.value == block(n));
    REQUIRE(bytes_in(dir / "cache") <= 100 * 1024);
    CHECK(f.check_call_in_cache(n));
  }
  // It is filled to nine tenths or more.
  CHECK(bytes_in(dir / "cache") > 80 * 1024);
}

TEST_CASE("what was least recently used goes first, when a store needs room") {
  const scratch_dir dir;
  const memory mem(dir / "cache", {.bytes_limit = "100K"});
  const auto f = mem.cache("block", block, {.version = "1"});
  int stored = 0;
  for (; bytes_in(dir / "cache") < 95 * 1024; ++stored) {
    const std::chrono::hours age(1000 - stored);
    set_times(f.call_and_shelve(stored).path(), age, age);
  }
  f(0);  // a hit: it is the latest now
  for (int n = 1000; n < 1004; ++n) f(n);
  CHECK(f.check_call_in_cache(0));
  CHECK_FALSE(f.check_call_in_cache(1));
  CHECK(f.check_call_in_cache(stored - 1));
}

TEST_CASE("8 processes that fill a cache keep it under its limit") {
  const scratch_dir dir;
  const process_signal start;
  std::vector<child_process> children;
  for (int c = 0; c < 8; ++c) {
    children.emplace_back([&, c] {
      const auto f = memory(dir / "cache", {.bytes_limit = "200K"}).cache("block", block, {.version = "1"});
      start.wait();
      for (int n = 0; n < 150; ++n) {
        if (f(1000 * c + n) != block(1000 * c + n)) return 1;
        if (counted_bytes_in(dir / "cache") > 200 * 1024) return 2;
      }
      return 0;
    });
  }
  for (std::size_t c = 0; c < children.size(); ++c) start.post();
  for (auto& child : children) CHECK(child.wait() == 0);
  CHECK(bytes_in(dir / "cache") > 100 * 1024);
}

TEST_CASE("a result larger than the limit is not stored, with one warning") {
  const scratch_dir dir;
  const captured_log log;
  const memory mem(dir / "cache", {.bytes_limit = "1K"});
  const auto f = mem.cache("block", block, {.version = "1"});
  CHECK(f(1) == block(1));
  CHECK(f(2) == block(2));
  CHECK(entries_in(dir / "cache").empty());
  REQUIRE(log.warnings.size() == 1);
  CHECK_THAT(log.warnings[0], ContainsSubstring("bytes_limit is 1024"));
}

TEST_CASE("entries that others stored, removed or lost are counted") {
  const scratch_dir dir;
  const auto fill = [&](const memory& mem, int first, int last) {
    const auto f = mem.cache("block", block, {.version = "1"});
    for (int n = first; n < last; ++n) f(n);
  };
  const memory unlimited(dir / "cache");
  const memory limited(dir / "cache", {.bytes_limit = "100K"});
  // What was there before the first limit is found.
  fill(unlimited, 0, 60);
  CHECK(bytes_in(dir / "cache") > 100 * 1024);
  fill(limited, 100, 101);
  CHECK(bytes_in(dir / "cache") <= 100 * 1024);
  // What those without a limit store counts from then on.
  fill(unlimited, 200, 260);
  fill(limited, 300, 301);
  CHECK(bytes_in(dir / "cache") <= 100 * 1024);
  // What was removed makes room: nothing more has to go.
  const auto f = limited.cache("block", block, {.version = "1"});
  f.clear();
  fill(limited, 400, 430);
  for (int n = 400; n < 430; ++n) CHECK(f.check_call_in_cache(n));
  for (int n = 400; n < 415; ++n) f.forget(n);
  fill(limited, 500, 515);
  for (int n = 415; n < 430; ++n) CHECK(f.check_call_in_cache(n));
  limited.reduce_size({.items_limit = 0});
  fill(limited, 600, 630);
  for (int n = 600; n < 630; ++n) CHECK(f.check_call_in_cache(n));
  // Also where the count is nonsense, or the whole cache was deleted.
  write_file(dir / "cache" / ".larder-lock", "LRDBYTES\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F");
  fill(limited, 700, 710);
  CHECK(bytes_in(dir / "cache") <= 100 * 1024);
  CHECK(f.check_call_in_cache(629));
  fs::remove_all(dir / "cache");
  fill(limited, 800, 900);
  CHECK(bytes_in(dir / "cache") <= 100 * 1024);
}

TEST_CASE("a limit that is no size is refused") {
  const scratch_dir dir;
  CHECK_THROWS_WITH(memory(dir / "c", {.bytes_limit = "lots"}),
                    ContainsSubstring("bytes_limit") && ContainsSubstring("lots"));
  CHECK_THROWS_AS(memory(dir / "c", {.bytes_limit = "-1K"}), larder::value_error);
  CHECK(dir.names().empty());
}
