#pragma once
// What the tests of the cache share: functions to cache, and looks at what became of them.

#include <atomic>
#include <filesystem>
#include <string>
#include <vector>

#include <larder/array.hpp>

// Cached functions have no state, so what counts their calls is a global.
inline std::atomic<int> calls = 0;

/// 0, 1, ..., n - 1.
inline larder::array<const double> ramp(int n) {
  ++calls;
  larder::array<double> out({n});
  for (int i = 0; i < n; ++i) out(i) = i;
  return out;
}

/// The files of a cache directory that are entries.
inline std::vector<std::filesystem::path> entries_in(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> found;
  for (const auto& item : std::filesystem::recursive_directory_iterator(directory)) {
    const std::string name = item.path().filename().string();
    if (item.is_regular_file() && name != ".gitignore" && name != "CACHEDIR.TAG" && name != ".larder-lock")
      found.push_back(item.path());
  }
  return found;
}
