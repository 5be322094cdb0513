// When a small sealed file is opened again, though what is in it is known.

#include "src/sealed_file.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <ctime>
#include <filesystem>
#include <string>
#include <thread>

#include <larder/dump.hpp>

#include "tests/catch.hpp"
#include "tests/child_process.hpp"
#include "tests/read_again.hpp"
#include "tests/scratch_dir.hpp"

namespace fs = std::filesystem;
using larder::verification;
using larder::detail::load_policy;
using larder::detail::object_demand;
using larder::detail::use_mark;

namespace {

constexpr load_policy k_copies{.copy_below = 16 * 1024, .trusted = true};

void use(const std::string& path, use_mark mark, verification verify = verification::automatic,
         const load_policy& arrays = k_copies) {
  const bool is_there = larder::detail::with_sealed_file(path, object_demand::keep, verify, arrays, mark,
                                                         [](larder::detail::value_file&) {});
  REQUIRE(is_there);
}

/// As if it had been written, and last used, so many seconds ago.
void set_age(const std::string& path, std::time_t made, std::time_t used) {
  const std::time_t now = std::time(nullptr);
  const ::timespec times[] = {{.tv_sec = now - used, .tv_nsec = 0}, {.tv_sec = now - made, .tv_nsec = 0}};
  REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
}

std::string sealed_file(const scratch_dir& dir) {
  std::string path = dir / "sealed";
  larder::dump(std::string(1000, 'x'), path);
  fs::permissions(path, fs::perms::owner_read | fs::perms::group_read | fs::perms::others_read);
  return path;
}

}  // namespace

TEST_CASE("a known file is opened once a minute, and marked as used") {
  const scratch_dir dir;
  const std::string path = sealed_file(dir);
  set_age(path, 1000, 55);
  const std::time_t marked = status_of(path).st_atim.tv_sec;
  const auto hit = [&] { use(path, use_mark::if_old); };
  repeat_until(false, path, hit);
  CHECK(status_of(path).st_atim.tv_sec == marked);
  repeat_until(true, path, hit);
  CHECK(status_of(path).st_atim.tv_sec >= marked + 60);
}

TEST_CASE("a known file is opened each time where that is asked for") {
  const scratch_dir dir;
  const std::string path = sealed_file(dir);
  set_age(path, 1000, 10);
  const auto is_read = [&](auto... how) {
    return bytes_read_by([&] { use(path, how...); }) >= fs::file_size(path);
  };
  repeat_until(false, path, [&] { use(path, use_mark::if_old); });
  CHECK(is_read(use_mark::if_old, verification::full));
  CHECK(is_read(use_mark::if_old, verification::automatic, load_policy{}));  // whose arrays are mapped
  CHECK_FALSE(is_read(use_mark::if_old));
  CHECK_FALSE(is_read(use_mark::none));
  const ::timespec before = status_of(path).st_atim;
  CHECK(is_read(use_mark::always));
  CHECK(status_of(path).st_atim.tv_sec > before.tv_sec);
}

TEST_CASE("a file that is not marked is known, however long ago it was used") {
  const scratch_dir dir;
  const std::string path = sealed_file(dir);
  SECTION("because nobody asks for it") {
    set_age(path, 100'000, 50'000);
    repeat_until(false, path, [&] { use(path, use_mark::none); });
  }
  SECTION("because it is another user's") {
    if (::geteuid() != 0) return;
    fs::permissions(dir.path(), fs::perms::all);
    set_age(path, 100'000, 100);
    child_process nobody([&] {
      if (::setgid(65534) != 0 || ::setuid(65534) != 0) return 1;
      if (::prctl(PR_SET_DUMPABLE, 1) != 0) return 1;  // to see in /proc what is read
      const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
      const auto hit = [&] { use(path, use_mark::if_old); };
      while (bytes_read_by(hit) >= fs::file_size(path)) {
        if (std::chrono::steady_clock::now() > end) return 2;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
      }
      return 0;
    });
    CHECK(nobody.wait() == 0);
  }
}
