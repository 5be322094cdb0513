// Cached calls one behind the other, from docs/caching.md: each takes what the one before returned, mapped, and none of them
// hashes an array again.
#include <larder/dump.hpp>
#include <larder/memory.hpp>

#include <cstdio>

using matrix = larder::array<const double>;

matrix simulate(int paths, int steps) {
  larder::array<double> out({paths, steps});
  for (int i = 0; i < paths; ++i) {
    for (int j = 0; j < steps; ++j) out(i, j) = 100 + 0.001 * i - 0.01 * j;
  }
  return out;
}

matrix discounted(const matrix& in, double rate) {
  larder::array<double> out = in.copy();
  for (double& x : out.flat()) x *= 1 - rate;
  return out;
}

double mean(const matrix& in) {
  double sum = 0;
  for (const double x : in.flat()) sum += x;
  return sum / static_cast<double>(in.size());
}

const char* text(larder::outcome how) { return how == larder::outcome::hit ? "from the cache" : "computed"; }

int main() {
  const larder::memory cache("chained-cache");
  const auto paths = cache.cache("simulate", simulate, {.version = "1"});
  const auto values = cache.cache("discounted", discounted, {.version = "1"});
  const auto average = cache.cache("mean", mean, {.version = "1"});

  for (int run = 0; run < 2; ++run) {
    // 80 MB each. They come mapped from their entries, on the first run too; what was mapped from an entry is hashed in
    // constant time, since the entry knows its digest. So is a whole chain of hits: some microseconds.
    const auto a = paths.evaluate(10000, 1000);
    const auto b = values.evaluate(a.value, 0.05);
    const auto c = average.evaluate(b.value);
    std::printf("simulate %s, discounted %s, mean %s: %.3f\n", text(a.how), text(b.how), text(c.how),
                c.value);
  }

  // A reference to a result is small, and loads it when it is asked for.
  const larder::shelved<matrix> shelf = paths.call_and_shelve(10000, 1000);
  larder::dump(shelf, "shelf.larder");
  const auto later = larder::load<larder::shelved<matrix>>("shelf.larder").get();
  std::printf("shelved: %zu numbers, %s\n", later.size(), later.is_mapped() ? "mapped" : "copied");
  std::printf("%llu hits, %llu misses\n", static_cast<unsigned long long>(cache.stats().hits),
              static_cast<unsigned long long>(cache.stats().misses));
}
