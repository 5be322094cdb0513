#pragma once
// A small file system that is mounted for a test, and that only the test sees.
//
//   on_a_small_disk([](const fs::path& disk) {
//     expect(errno_of([&] { larder::dump(large, disk / "a.npy"); }) == ENOSPC, "dump: ENOSPC");
//   });

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>

#include "tests/catch.hpp"
#include "tests/errno_of.hpp"
#include "tests/file_bytes.hpp"
#include "tests/scratch_dir.hpp"

inline void write_text_to(const char* path, const std::string& text) {
  const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  [[maybe_unused]] const auto ignored = ::write(fd, text.data(), text.size());
  ::close(fd);
}

/// From here on, what this process mounts only it sees. False where the system does not allow it.
inline bool enter_mount_namespace() {
  const uid_t uid = ::geteuid();
  const gid_t gid = ::getegid();
  if (uid == 0) {
    if (::unshare(CLONE_NEWNS) != 0) return false;
  } else {
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
    write_text_to("/proc/self/setgroups", "deny");
    write_text_to("/proc/self/uid_map", "0 " + std::to_string(uid) + " 1");
    write_text_to("/proc/self/gid_map", "0 " + std::to_string(gid) + " 1");
  }
  return ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

/// Mounts an empty file system over `path`; "size=1m" has 1 MiB. False where the system does not allow it.
inline bool mount_memory(const std::filesystem::path& path, const char* size) {
  return ::mount("tmpfs", path.c_str(), "tmpfs", 0, size) == 0;
}

struct expectation_failed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline void expect(bool condition, const std::string& what) {
  if (!condition) throw expectation_failed(what);
}

/// For a test that ran in a child process, which ends with this status where the system did not let it mount what it needs.
inline constexpr int k_cannot_mount = 77;
inline void check_unless_skipped(int status) {
  if (status == k_cannot_mount) {
    WARN("SKIPPED: this system does not let the test mount a file system of its own");
  } else {
    CHECK(status == 0);
  }
}

/// Runs `body` in a child process on a file system of 1 MiB, mounted at its argument. The text says what failed there.
inline void on_a_small_disk(void (*body)(const std::filesystem::path&)) {
  namespace fs = std::filesystem;
  scratch_dir dir;
  const fs::path disk = dir / "disk";
  fs::create_directory(disk);
  const fs::path report = dir / "report";
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    if (!enter_mount_namespace() || !mount_memory(disk, "size=1m")) ::_exit(k_cannot_mount);
    try {
      body(disk);
    } catch (const std::exception& e) {
      write_file(report, e.what());
      ::_exit(1);
    }
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  INFO((fs::exists(report) ? read_file(report) : std::string("no report")));
  REQUIRE(WIFEXITED(status));
  check_unless_skipped(WEXITSTATUS(status));
}
