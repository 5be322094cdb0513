#include "tests/stress/stress_program.hpp"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string_view>

#include "tests/stress/crew.hpp"

namespace {

namespace fs = std::filesystem;

struct bad_argument : std::runtime_error {
  using std::runtime_error::runtime_error;
};

void parse(const std::string& text, std::uint64_t& out) {
  const char* const end = text.data() + text.size();
  const auto [stopped, fault] = std::from_chars(text.data(), end, out);
  if (fault != std::errc() || stopped != end || out == 0) throw bad_argument(text);
}

fs::path default_directory() {
  const fs::path ram_disk = "/dev/shm";
  return ::access(ram_disk.c_str(), W_OK) == 0 ? ram_disk : fs::temp_directory_path();
}

struct command_line {
  std::string scenario{};  // empty: all
  fs::path directory = default_directory();

  command_line(const stress_program& program, char** argument) {
    const auto named = [](const auto& all, std::string_view name) {
      return std::ranges::find(all, name, [](const auto& each) { return each.first; });
    };
    while (*argument != nullptr) {
      const std::string name = *argument++;
      if (named(program.scenarios, name) != program.scenarios.end()) {
        scenario = name;
        continue;
      }
      const auto number = named(program.numbers, name);
      const bool is_number = number != program.numbers.end();
      if ((!is_number && name != "--directory") || *argument == nullptr) throw bad_argument(name);
      const std::string value = *argument++;
      if (is_number) {
        parse(value, *number->second);
      } else {
        directory = value;
      }
    }
  }
};

std::string usage(const stress_program& program) {
  std::string text = "usage: " + program.name + " [";
  for (const auto& [name, run] : program.scenarios) text += (text.back() == '[' ? "" : "|") + name;
  text += "]";
  for (const auto& [name, number] : program.numbers) text += " [" + name + " N]";
  return text + " [--directory DIR]";
}

}  // namespace

int run_stress(const stress_program& program, char** arguments) {
  try {
    const command_line wanted(program, arguments);
    std::string directory = (wanted.directory / "larder-stress-XXXXXX").string();
    if (::mkdtemp(directory.data()) == nullptr) throw bad_argument(directory);
    for (const auto& [name, run] : program.scenarios) {
      if (!wanted.scenario.empty() && wanted.scenario != name) continue;
      const fs::path own = fs::path(directory) / name;
      fs::create_directory(own);
      run(own);
    }
    fs::remove_all(directory);
    return 0;
  } catch (const bad_argument& e) {
    std::fprintf(stderr, "%s: %s\n%s\n", program.name.c_str(), e.what(), usage(program).c_str());
    return 2;
  } catch (const std::exception& e) {
    fail(e.what());
  }
}
