// Rows map-*: loading by mapping, and a look at one element, against the system calls that takes.

#include <unistd.h>

#include <larder/dump.hpp>
#include <larder/load.hpp>

#include "tools/benchmarks/bench.hpp"
#include "tools/benchmarks/floor.hpp"

namespace larder_bench {

void add_map(bench& b) {
  constexpr std::size_t k_small = 1024;  // numbers: 8 KB
  for (const auto& [name, directory] : b.places()) {
    const std::string small = b.file(directory, "map-small.npy");
    const std::string large = b.file(directory, "map-large.npy");
    const auto written = [&b, small, large] {
      if (::access(small.c_str(), F_OK) != 0) larder::dump(larder::array<double>({k_small}), small);
      if (::access(large.c_str(), F_OK) != 0) larder::dump(b.large(), large);
    };
    const auto map = [written](const std::string& path) {
      return [written, path] {
        written();
        return per_call([&] { keep(larder::load<larder::array<const double>>(path).data()[0]); });
      };
    };
    const auto bare = [written](const std::string& path) {
      return [written, path] {
        written();
        return per_call([&] { floor::map_and_touch(path); });
      };
    };
    b.add("map-small-" + name + "/larder", map(small));
    b.add("map-small-" + name + "/floor", bare(small));
    b.add("map-large-" + name + "/larder", map(large));
    b.add("map-large-" + name + "/floor", bare(large));
  }
}

}  // namespace larder_bench
