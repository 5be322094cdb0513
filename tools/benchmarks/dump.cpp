// Rows dump-*: a large array into a new file, digest included, against write() of the same bytes.

#include <unistd.h>

#include <larder/dump.hpp>

#include "tools/benchmarks/bench.hpp"
#include "tools/benchmarks/floor.hpp"

namespace larder_bench {
namespace {

/// Once, into a path where nothing is; the file goes outside of the measurement.
double into_new_file(const std::string& path, const std::function<void()>& body) {
  ::unlink(path.c_str());
  const double seconds = once(body);
  ::unlink(path.c_str());
  return seconds;
}

/// All but the first column: its rows have gaps between them, so it is written as a copy.
larder::array<double> view_of(const larder::array<double>& large) {
  constexpr std::size_t k_columns = 2048;
  const std::size_t rows = large.size() / k_columns;
  return large.slice(0, 0, rows * k_columns).reshape({rows, k_columns}).slice(1, 1, k_columns);
}

}  // namespace

void add_dump(bench& b) {
  for (const auto& [name, directory] : b.places()) {
    const std::string path = b.file(directory, "dump.npy");
    b.add("dump-" + name + "/larder", [&b, path] {
      const auto& a = b.large();
      return into_new_file(path, [&] { larder::dump(a, path); });
    });
    b.add("dump-view-" + name + "/larder", [&b, path] {
      const auto a = view_of(b.large());
      return into_new_file(path, [&] { larder::dump(a, path); });
    });
    const auto bare = [&b, path](floor::space space) {
      return [&b, path, space] {
        const auto bytes = std::as_bytes(b.large().flat());
        return into_new_file(path, [&] { floor::write_new_file(path, bytes, space); });
      };
    };
    // Which of the two is the bare write to be measured against depends on the file system: tools/bench takes the faster.
    b.add("dump-" + name + "/floor-plain", bare(floor::space::as_written));
    b.add("dump-" + name + "/floor-reserved", bare(floor::space::first));
    b.add("dump-view-" + name + "/floor", [&b, path] {
      const auto a = view_of(b.large());
      return into_new_file(path, [&] {
        const auto bytes = std::as_bytes(b.large().flat()).first(a.nbytes());
        floor::write_new_file(path, bytes, floor::space::as_written);
      });
    });
  }
}

}  // namespace larder_bench
