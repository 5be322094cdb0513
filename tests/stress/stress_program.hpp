#pragma once
// The command line of a stress program: which of its scenarios it goes through, with which numbers, and where.
//
//   PROGRAM [SCENARIO] [--NUMBER N ...] [--directory DIR]

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

struct stress_program {
  std::string name;
  /// Each is called with a directory that is empty, and for this run alone: by default on a RAM disk, where ten times as much happens
  /// between two kills as on a disk. It stays after a failure, to be looked at.
  std::vector<std::pair<std::string, std::function<void(const std::filesystem::path& directory)>>> scenarios;
  /// Where the numbers of the command line go; 0 is none.
  std::vector<std::pair<std::string, std::uint64_t*>> numbers;
};

/// Goes through one scenario, or all. Returns the exit status: 2 for a bad command line. Ends the program (fail, of crew.hpp) where
/// something does not hold.
int run_stress(const stress_program& program, char** arguments);
