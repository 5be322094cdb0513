#pragma once
// Whether a file is read again: what was read of it before counts while nothing about it has changed.

#include <sys/stat.h>

#include <cstdint>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "tests/catch.hpp"
#include "tests/file_bytes.hpp"

/// Bytes that this process has read so far, from whatever file.
inline std::uint64_t bytes_read() {
  std::ifstream in("/proc/self/io");
  std::string label;
  std::uint64_t count = 0;
  in >> label >> count;
  REQUIRE(label == "rchar:");
  return count;
}

/// What an action reads, and what asking for it does: some hundred bytes.
template <class Action>
std::uint64_t bytes_read_by(Action action) {
  const std::uint64_t before = bytes_read();
  action();
  return bytes_read() - before;
}

/// So far ahead that every file there is counts as old.
inline std::timespec later() {
  std::timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  now.tv_sec += 60;
  return now;
}

/// Writes in place until the file system gives the file another time for it.
inline void change(const std::filesystem::path& path, std::string_view content) {
  struct ::stat before {};
  struct ::stat after {};
  REQUIRE(::stat(path.c_str(), &before) == 0);
  do {
    write_file(path, content);
    REQUIRE(::stat(path.c_str(), &after) == 0);
  } while (after.st_ctim.tv_sec == before.st_ctim.tv_sec && after.st_ctim.tv_nsec == before.st_ctim.tv_nsec);
}
