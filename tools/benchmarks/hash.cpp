// Rows hash-*: the digest of a large array, against copying and reading it.

#include <unistd.h>

#include <cstring>
#include <memory>

#include <larder/dump.hpp>
#include <larder/hash.hpp>
#include <larder/load.hpp>

#include "tools/benchmarks/bench.hpp"
#include "tools/benchmarks/floor.hpp"

namespace larder_bench {
namespace {

void hash(const larder::array<const double>& a) { keep(larder::hash(a).low); }

}  // namespace

void add_hash(bench& b) {
  b.add("hash-1t/larder", [&b] {
    const auto& a = b.large();
    const one_cpu alone;
    return once([&] { hash(a); });
  });
  b.add("hash-1t/floor", [&b, copy = larder::array<double>()]() mutable {
    const auto& a = b.large();
    if (copy.size() == 0) copy = a.copy();
    const one_cpu alone;
    return once([&] {
      std::memcpy(copy.data(), a.data(), a.nbytes());
      keep(copy.data()[copy.size() / 2]);
    });
  });

  b.add("hash-2t/larder", [&b] {
    const auto& a = b.large();
    return once([&] { hash(a); });
  });
  b.add("hash-2t/floor", [&b] {
    const auto bytes = std::as_bytes(b.large().flat());
    return once([&] {
      const std::size_t half = bytes.size() / 2;
      std::uint64_t sums[2] = {};
      floor::on_two_threads(
          [&](int i) { sums[i] = floor::sum(i == 0 ? bytes.first(half) : bytes.subspan(half)); });
      keep(sums[0] + sums[1]);
    });
  });

  const std::string path = b.file(b.set().disk, "hash.npy");
  b.add("hash-sealed/larder", [&b, path] {
    if (::access(path.c_str(), F_OK) != 0) larder::dump(b.large(), path);
    const auto mapped = larder::load<larder::array<const double>>(path);
    return per_call([&] { hash(mapped); });
  });
}

}  // namespace larder_bench
