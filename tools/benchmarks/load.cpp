// Rows load-*: a large file into memory, every byte compared with the digest, against reading it.

#include <unistd.h>

#include <larder/dump.hpp>
#include <larder/load.hpp>

#include "tools/benchmarks/bench.hpp"
#include "tools/benchmarks/floor.hpp"

namespace larder_bench {

void add_load(bench& b) {
  for (const auto& [name, directory] : b.places()) {
    const std::string path = b.file(directory, "load.npy");
    const auto written = [&b, path] {
      if (::access(path.c_str(), F_OK) != 0) larder::dump(b.large(), path);
    };
    b.add("load-" + name + "/larder", [written, path] {
      written();
      return once([&] {
        keep(larder::load<larder::array<const double>>(path, {.mmap_mode = larder::mmap_mode::none})
                 .data()[0]);
      });
    });
    b.add("load-" + name + "/floor", [&b, written, path] {
      written();
      return once([&] { floor::read_into_huge_pages(path, b.large().nbytes()); });
    });
  }
}

}  // namespace larder_bench
