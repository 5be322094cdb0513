// Makes a cache for the tests of `larder cache`, which know what is in it:
//
//   write_cache DIRECTORY

#include <larder/array.hpp>
#include <larder/memory.hpp>

#include <cstdio>
#include <exception>
#include <vector>

namespace {

/// 0, 1, ..., n - 1.
larder::array<double> ramp(int n) {
  larder::array<double> out({n});
  for (int i = 0; i < n; ++i) out(i) = i;
  return out;
}

std::vector<int> twice(int n) { return {n, n}; }

void write(const char* directory) {
  const larder::memory memory(directory);
  for (const int n : {10, 20, 3000}) memory.cache("ramp", ramp, {.version = "1"})(n);
  for (const int n : {10, 20}) memory.cache("ramp", ramp, {.version = "2"})(n);
  memory.cache("caf\xC3\xA9/twice", twice)(7);  // under the identity of this build
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: write_cache DIRECTORY\n", stderr);
    return 2;
  }
  try {
    write(argv[1]);
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "write_cache: %s\n", e.what());
    return 1;
  }
}
