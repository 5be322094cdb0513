// Rows memory-*: by how much the resident memory grows while an array is dumped. Each in a process of its own.

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include <larder/dump.hpp>

#include "tools/benchmarks/bench.hpp"
#include "tools/benchmarks/process_memory.hpp"

namespace larder_bench {
namespace {

/// How far above what is resident now the peak is after `body`.
double growth(const std::function<void()>& body) {
  const process_ids self = {::getpid()};
  reset_peaks(self);
  const double before = resident_bytes(self);
  body();
  return std::max(0.0, peak_resident_bytes(self) - before);
}

double in_child(const std::function<double()>& measure) {
  int ends[2];
  if (::pipe(ends) != 0) throw std::runtime_error("no pipe");
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      const double value = measure();
      if (::write(ends[1], &value, sizeof value) == sizeof value) ::_exit(0);
    } catch (...) {
      // Tells by its status.
    }
    ::_exit(1);
  }
  ::close(ends[1]);
  double value = 0;
  const bool told = ::read(ends[0], &value, sizeof value) == sizeof value;
  ::close(ends[0]);
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child || status != 0 || !told) {
    throw std::runtime_error("the process that dumps has failed");
  }
  return value;
}

}  // namespace

void add_extra_memory(bench& b) {
  const std::string path = b.file(b.set().disk, "memory.npy");
  // 1 GiB where the other rows have 800 MB.
  constexpr std::size_t k_columns = 1024;
  const auto rows = static_cast<std::size_t>(static_cast<double>(b.set().large_bytes) * 1.34217728) /
                    (k_columns * sizeof(double));
  const auto row = [&b, path, rows](const std::string& name, std::size_t first_column) {
    b.add(name + "/larder", [path, rows, first_column] {
      return in_child([&] {
        auto a = larder::array<double>::uninitialized({rows, k_columns + first_column});
        a.fill(1.5);
        const auto dumped = a.slice(1, first_column, k_columns + first_column);
        const double bytes = growth([&] { larder::dump(dumped, path); });
        ::unlink(path.c_str());
        return bytes;
      });
    });
  };
  row("memory-dump", 0);
  row("memory-dump-view", 1);
}

}  // namespace larder_bench
