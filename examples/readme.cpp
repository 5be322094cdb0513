#include <cstdio>
#include <larder/larder.hpp>
#include <ranges>

larder::array<double> squares(int n) {  // something expensive, on all cores
  larder::array<double> out({n});
  larder::parallel().map(std::views::iota(0, n), [&](int i) { out(i) = double(i) * i; });
  return out;
}

int main() {
  auto cached = larder::memory("larder-cache").cache("squares", squares, {.version = "1"});
  for (int i = 0; i < 2; ++i) {
    auto [result, how, key] = cached.evaluate(1'000'000);
    std::printf("%s: %.0f\n", how == larder::outcome::hit ? "from the cache, memory-mapped" : "computed",
                result(999'999));
  }
}
