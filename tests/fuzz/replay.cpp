// Runs a fuzz target over files, and over all files in folders, where there is no libFuzzer.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <vector>

#include "tests/file_bytes.hpp"
#include "tests/fuzz/require.hpp"

namespace fs = std::filesystem;

int main(int argc, char** argv) {
  std::vector<fs::path> files;
  for (int i = 1; i < argc; ++i) {
    if (!fs::is_directory(argv[i])) {
      files.emplace_back(argv[i]);
      continue;
    }
    for (const auto& each : fs::recursive_directory_iterator(argv[i])) {
      if (each.is_regular_file()) files.push_back(each.path());
    }
  }
  std::ranges::sort(files);
  for (const fs::path& file : files) {
    const std::string bytes = read_file(file);
    std::fprintf(stderr, "%s\n", file.c_str());  // the last one is the culprit, if the program ends here
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  }
  std::printf("%zu inputs\n", files.size());
  return files.empty() ? 1 : 0;
}
