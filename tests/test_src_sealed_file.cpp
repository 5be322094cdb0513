// When a small sealed file is opened again, though what is in it is known.

#include "src/sealed_file.hpp"

#include <sys/mount.h>
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
#include "tests/file_times.hpp"
#include "tests/read_again.hpp"
#include "tests/scratch_dir.hpp"
#include "tests/small_disk.hpp"

namespace fs = std::filesystem;
using larder::verification;
using larder::detail::load_policy;
using larder::detail::object_demand;
using larder::detail::use_mark;
using namespace std::chrono_literals;

namespace {

constexpr load_policy k_copies{.copy_below = 16 * 1024, .trusted = true};

void use(const std::string& path, use_mark mark, verification verify = verification::automatic,
         const load_policy& arrays = k_copies) {
  const bool is_there = larder::detail::with_sealed_file(path, object_demand::keep, verify, arrays, mark,
                                                         [](larder::detail::value_file&) {});
  REQUIRE(is_there);
}

bool is_read(const std::string& path, use_mark mark, verification verify = verification::automatic,
             const load_policy& arrays = k_copies) {
  return bytes_read_by([&] { use(path, mark, verify, arrays); }) >= fs::file_size(path);
}

std::string sealed_file(const fs::path& dir) {
  std::string path = dir / "sealed";
  larder::dump(std::string(1000, 'x'), path);
  fs::permissions(path, fs::perms::owner_read | fs::perms::group_read | fs::perms::others_read);
  return path;
}

}  // namespace

TEST_CASE("a known file is opened once a minute, and marked as used") {
  const scratch_dir dir;
  const std::string path = sealed_file(dir.path());
  set_times(path, 1000s, 55s);
  const std::time_t set = status_of(path).st_atim.tv_sec;
  const auto hit = [&] { use(path, use_mark::if_old); };
  const auto is_marked = [&] { return status_of(path).st_atim.tv_sec > set; };
  repeat_until_known(path, hit);
  // At once, or, on a machine that was held up for some seconds, it has been already.
  const std::time_t began = std::time(nullptr);
  while (!is_marked()) {
    hit();
    REQUIRE(std::time(nullptr) < began + 30);
    std::this_thread::sleep_for(10ms);
  }
  CHECK(status_of(path).st_atim.tv_sec >= set + 60);
}

TEST_CASE("a known file is opened each time where that is asked for") {
  const scratch_dir dir;
  const std::string path = sealed_file(dir.path());
  set_times(path, 1000s, 10s);
  repeat_until_known(path, [&] { use(path, use_mark::if_old); });
  CHECK(is_read(path, use_mark::if_old, verification::full));
  CHECK(is_read(path, use_mark::if_old, verification::automatic, load_policy{}));  // whose arrays are mapped
  CHECK_FALSE(is_read(path, use_mark::if_old));
  CHECK_FALSE(is_read(path, use_mark::none));
  const ::timespec before = status_of(path).st_atim;
  CHECK(is_read(path, use_mark::always));
  CHECK(status_of(path).st_atim.tv_sec > before.tv_sec);
}

TEST_CASE("a file that nobody marks is known, and marked by the first who does") {
  const scratch_dir dir;
  const std::string path = sealed_file(dir.path());
  set_times(path, 100'000s, 50'000s);
  const ::timespec before = status_of(path).st_atim;
  repeat_until_known(path, [&] { use(path, use_mark::none); });
  CHECK(status_of(path).st_atim.tv_sec == before.tv_sec);
  CHECK(is_read(path, use_mark::if_old));
  CHECK(status_of(path).st_atim.tv_sec > before.tv_sec);
}

TEST_CASE("a file that one may not mark is known, however long ago it was used") {
  if (::geteuid() != 0) {
    SUCCEED();
    WARN("SKIPPED: only root can become another user");
    return;
  }
  const scratch_dir dir;
  fs::permissions(dir.path(), fs::perms::all);
  child_process nobody([&] {
    // Where the system does not note uses by itself either.
    if (!enter_mount_namespace() || ::mount("tmpfs", dir.path().c_str(), "tmpfs", MS_NOATIME, "size=1m") != 0)
      return k_cannot_mount;
    const std::string path = sealed_file(dir.path());
    set_times(path, 100'000s, 50'000s);
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) return 1;
    if (::prctl(PR_SET_DUMPABLE, 1) != 0) return 2;  // to see in /proc what is read
    repeat_until_known(path, [&] { use(path, use_mark::if_old); });
    return is_read(path, use_mark::if_old, verification::full) ? 0 : 3;
  });
  check_unless_skipped(nobody.wait());
}
