#pragma once
// Files that are as old as a test needs them.

#include <fcntl.h>
#include <sys/stat.h>

#include <chrono>
#include <ctime>
#include <filesystem>
#include <string_view>

#include "tests/catch.hpp"
#include "tests/file_bytes.hpp"

inline struct ::stat status_of(const std::filesystem::path& path) {
  struct ::stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status;
}

/// As if a file had been made and used so long ago. (When that was set is the time of its last change.)
inline void set_times(const std::filesystem::path& path, std::chrono::seconds made_ago,
                      std::chrono::seconds used_ago) {
  const auto ago = [](std::chrono::seconds age) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return ::timespec{std::chrono::duration_cast<std::chrono::seconds>(now - age).count(), 0};
  };
  const ::timespec times[2] = {ago(used_ago), ago(made_ago)};
  REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) == 0);
}

/// So far ahead that every file there is counts as old.
inline ::timespec later() {
  ::timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  now.tv_sec += 60;
  return now;
}

/// Writes in place until the file system gives the file another time for it.
inline void change(const std::filesystem::path& path, std::string_view content) {
  const ::timespec before = status_of(path).st_ctim;
  ::timespec after{};
  do {
    write_file(path, content);
    after = status_of(path).st_ctim;
  } while (after.tv_sec == before.tv_sec && after.tv_nsec == before.tv_nsec);
}
