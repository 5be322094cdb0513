// The table of digests that a process remembers.

#include "src/remembered_digests.hpp"

#include <cstdint>
#include <memory>
#include <vector>

#include <larder/parallel.hpp>

#include "tests/catch.hpp"

using larder::digest;
using larder::detail::remembered_digests;

namespace {

/// As good as random, and another one for each n.
digest name(std::uint64_t n) { return {(n + 1) * 0x9e3779b97f4a7c15ULL, (n + 1) * 0xc2b2ae3d27d4eb4fULL}; }
digest value(std::uint64_t n) { return {~name(n).high, n}; }

}  // namespace

TEST_CASE("what was remembered is found by its name, and the last value counts") {
  const auto table = std::make_unique<remembered_digests>();
  CHECK_FALSE(table->find(name(1)));
  table->remember(name(1), value(1));
  table->remember(name(2), value(2));
  CHECK(table->find(name(1)) == value(1));
  CHECK(table->find(name(2)) == value(2));
  CHECK_FALSE(table->find(name(3)));
  table->remember(name(1), value(4));
  CHECK(table->find(name(1)) == value(4));
}

TEST_CASE("a full table forgets some, takes in every new one, and never mixes them up") {
  const auto table = std::make_unique<remembered_digests>();
  constexpr std::uint64_t k_names = 3 * remembered_digests::k_entries;
  for (std::uint64_t n = 0; n < k_names; ++n) {
    table->remember(name(n), value(n));
    REQUIRE(table->find(name(n)) == value(n));
  }
  std::size_t found = 0;
  for (std::uint64_t n = 0; n < k_names; ++n) {
    const auto known = table->find(name(n));
    if (!known) continue;
    ++found;
    REQUIRE(*known == value(n));
  }
  CHECK(found <= remembered_digests::k_entries);
  CHECK(found > remembered_digests::k_entries / 2);
}

TEST_CASE("threads that write and read the same entries find whole ones or none") {
  const auto table = std::make_unique<remembered_digests>();
  // All of one row: the low words are the same.
  constexpr std::uint64_t k_names = 3 * remembered_digests::k_ways;
  const auto in_one_row = [](std::uint64_t n) { return digest{7, name(n).high}; };
  larder::parallel pool({.n_jobs = 4});
  const auto mixed_up = pool.map(std::vector<std::uint64_t>{0, 1, 2, 3}, [&](std::uint64_t worker) {
    int wrong = 0;
    for (std::uint64_t i = 0; i < 50000; ++i) {
      const std::uint64_t n = (i * (worker + 1)) % k_names;
      table->remember(in_one_row(n), value(n));
      const std::uint64_t other = (n + worker) % k_names;
      const auto known = table->find(in_one_row(other));
      wrong += known && *known != value(other);
    }
    return wrong;
  });
  for (const int wrong : mixed_up) CHECK(wrong == 0);
}
