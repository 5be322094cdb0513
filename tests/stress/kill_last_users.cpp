#include <stdlib.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <random>
#include <string>

#include <larder/error.hpp>
#include <larder/store.hpp>

#include "tests/stress/crew.hpp"
#include "tests/stress/proven_objects.hpp"
#include "tests/stress/stints.hpp"
#include "tests/stress/store_scenarios.hpp"

namespace {

namespace fs = std::filesystem;
using larder::store;

constexpr std::uint64_t k_stores = 3;

/// Opens a store, works with it as long as it is open, and leaves it.
void visit(std::uint64_t place, std::mt19937& random) {
  const store st("store " + std::to_string(random() % k_stores), {.lifetime = larder::lifetime::last_user});
  // Of this process alone: nobody else replaces or removes it.
  const std::string name = "of " + std::to_string(place);
  for (int i = 0; i < 3; ++i) {
    const std::uint64_t seed = proven::new_seed(place, random);
    st.put(name, proven::table_of(seed));
    const auto object = st.find<proven::read_table>(name);
    if (!object) fail("what was put is gone, and its store is in use");
    if (!proven::is_right(*object, place) || (*object)(0) != proven::number_of(seed, 0))
      fail("another object than that which was put");
  }
  if (random() % 2 == 0) st.forget(name);
}

}  // namespace

void kill_last_users(const store_stress_options& options) {
  const fs::path root = options.directory / "root";
  ::setenv("LARDER_STORE_DIR", root.c_str(), 1);
  const stint_totals totals = run_stints(
      {.processes = options.processes,
       .operations = options.operations,
       .per_stint = 50,
       .seed = options.seed,
       .begin =
           [&](std::size_t place, std::mt19937& random) {
             return [place, &random] { random() % 10 == 0 ? (void)store::list() : visit(place, random); };
           },
       .watch = {}});
  // Those of whom the last user was killed are there, until somebody looks.
  const auto there = store::list();
  if (!there.empty()) fail("without users there is a store: " + there.front());
  if (!fs::is_empty(root))
    fail("something was left behind: " + fs::directory_iterator(root)->path().string());
  std::printf("lifetimes: %llu processes, %llu operations, %llu kills, %.1f s\n",
              static_cast<unsigned long long>(options.processes),
              static_cast<unsigned long long>(totals.operations),
              static_cast<unsigned long long>(totals.kills), totals.seconds);
}
