#include <larder/atomic.hpp>

#include <cstdint>
#include <thread>
#include <vector>

#include <larder/array.hpp>
#include <larder/half.hpp>

#include "tests/catch.hpp"
#include "tests/child_process.hpp"

using larder::array;

TEST_CASE("atomic: children of fork, threads and the parent count in the same elements", "[core][atomic]") {
  constexpr std::int64_t k_each = 20'000;
  const auto counts = array<std::int64_t>::shared({4});
  const auto sum = array<double>::shared({});
  const auto count = [&] {
    for (std::int64_t i = 0; i < k_each; ++i) {
      larder::atomic(counts(static_cast<std::size_t>(i % 4))).fetch_add(1);
      larder::atomic(sum()).fetch_add(0.5);
    }
    return 0;
  };
  std::vector<child_process> children;
  for (int i = 0; i < 3; ++i) children.emplace_back(count);
  std::thread other(count);
  count();
  other.join();
  for (child_process& each : children) CHECK(each.wait() == 0);
  for (const std::int64_t each : counts.flat()) CHECK(each == 5 * k_each / 4);
  CHECK(sum() == 0.5 * 5 * k_each);
}

TEST_CASE("atomic: elements of every size that the processor writes at once", "[core][atomic]") {
  const auto holds = [](auto value) {
    array<decltype(value)> a({2});
    larder::atomic(a(1)).store(value);
    const auto before = larder::atomic(a(1)).exchange(decltype(value){});
    return before == value && a(1) == decltype(value){};
  };
  CHECK(holds(std::int8_t{1}));
  CHECK(holds(std::uint16_t{2}));
  CHECK(holds(3.5F));
  CHECK(holds(4.5));
  CHECK(holds(true));
  CHECK(holds(larder::half(0.5F)));
}
