// A program of its own for what is to be seen of how workers start: see test_parallel_processes_start.cpp.
//
//   process_start without-init      does not call larder::init
//   process_start moved FILE        removes FILE, which is itself, and what else it could be found by
//   process_start late              says something before it calls larder::init

#include <cstdio>
#include <cstring>
#include <exception>
#include <ranges>
#include <string>
#include <vector>

#include <unistd.h>

#include <larder/init.hpp>
#include <larder/parallel.hpp>

namespace {

int call() {
  const larder::parallel pool({.n_jobs = 2, .backend = larder::backend::processes});
  const auto squares = pool.map(std::views::iota(0, 10), [](int i) { return i * i; });
  return squares == std::vector{0, 1, 4, 9, 16, 25, 36, 49, 64, 81} ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  try {
    if (mode == "without-init") return call();
    if (mode == "late") std::printf("hello\n");
    larder::init(argc, argv);
    if (mode == "moved") {
      if (::unlink(argv[2]) != 0 || ::chdir("/") != 0) return 3;
      for (int i = 0; i < argc; ++i) std::memset(argv[i], 'x', std::strlen(argv[i]));
      ::clearenv();
    }
    return call();
  } catch (const std::exception& e) {
    std::printf("%s\n", e.what());
    return 2;
  }
}
