#pragma once
// Whether a file is read again: what was read of it before counts while nothing about it has changed.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "tests/catch.hpp"

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

/// Does it until it no longer reads all of the file. Time has to pass for that: the times of a file count two seconds after its last change,
/// where it lies on a file system that knows of every change.
template <class Action>
void repeat_until_known(const std::filesystem::path& file, Action action) {
  const std::uint64_t bytes = std::filesystem::file_size(file);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (bytes_read_by(action) >= bytes) {
    INFO(file << " is not known: does it lie on a file system of this machine, as src/known_small_files.cpp "
                 "names them?");
    REQUIRE(std::chrono::steady_clock::now() < end);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}
