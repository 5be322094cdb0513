#pragma once
// Whether a file is read again: what was read of it before counts while nothing about it has changed.

#include <sys/stat.h>

#include <chrono>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>

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

/// Does it until it does not read the file any more, or, the other way round, until it does. Time has to pass for that: two seconds after a
/// file was changed its times count, and after a minute its use is noted.
template <class Action>
void repeat_until(bool is_read, const std::filesystem::path& file, Action action) {
  const std::uint64_t bytes = std::filesystem::file_size(file);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while ((bytes_read_by(action) >= bytes) != is_read) {
    INFO("on file systems that do not answer for their files themselves, this is not so");
    REQUIRE(std::chrono::steady_clock::now() < end);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

/// So far ahead that every file there is counts as old.
inline std::timespec later() {
  std::timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  now.tv_sec += 60;
  return now;
}

inline struct ::stat status_of(const std::filesystem::path& path) {
  struct ::stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status;
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
