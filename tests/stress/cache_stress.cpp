// What a cache withstands: processes that use one directory at the same time are killed, over and over.
//
//   cache_stress [owners|mix] [--processes N] [--keys N] [--kills N] [--seed N] [--directory DIR]
//
// Prints a line of numbers for each of the two, or what did not hold, with status 1. What is random follows from the
// seed, but for what the scheduler does. Works in a directory of its own below DIR: by default on a RAM disk, where ten times
// as much happens between two kills as on a disk.

#include <stdlib.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <string>
#include <string_view>

#include "tests/stress/crew.hpp"
#include "tests/stress/scenarios.hpp"

namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(std::string_view argument) {
  std::fprintf(stderr,
               "cache_stress: %.*s\nusage: cache_stress [owners|mix] [--processes N] [--keys N] [--kills N] "
               "[--seed N] [--directory DIR]\n",
               static_cast<int>(argument.size()), argument.data());
  std::exit(2);
}

template <class Number>
void parse(std::string_view text, Number& out) {
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (fault != std::errc() || end != text.data() + text.size() || out == 0) refuse(text);
}

fs::path default_directory() {
  const fs::path ram_disk = "/dev/shm";
  return ::access(ram_disk.c_str(), W_OK) == 0 ? ram_disk : fs::temp_directory_path();
}

struct command_line {
  stress_options options{.directory = default_directory()};
  bool owners = true;
  bool mix = true;

  explicit command_line(char** argument) {
    while (*argument != nullptr) {
      const std::string_view name = *argument++;
      if (name == "owners" || name == "mix") {
        owners = name == "owners";
        mix = name == "mix";
        continue;
      }
      if (*argument == nullptr) refuse(name);
      set(name, *argument++);
    }
  }

 private:
  void set(std::string_view name, std::string_view value) {
    if (name == "--processes") return parse(value, options.processes);
    if (name == "--keys") return parse(value, options.keys);
    if (name == "--kills") return parse(value, options.kills);
    if (name == "--seed") return parse(value, options.seed);
    if (name != "--directory") refuse(name);
    options.directory = value;
  }
};

}  // namespace

int main(int, char** argv) {
  try {
    command_line wanted(argv + 1);
    std::string directory = (wanted.options.directory / "larder-stress-XXXXXX").string();
    if (::mkdtemp(directory.data()) == nullptr) refuse(directory);
    wanted.options.directory = directory;
    if (wanted.owners) kill_owners(wanted.options);
    if (wanted.mix) kill_a_mix(wanted.options);
    fs::remove_all(directory);  // after a failure it stays, to be looked at
    return 0;
  } catch (const std::exception& e) {
    fail(e.what());
  }
}
