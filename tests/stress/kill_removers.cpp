#include <stdlib.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
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

constexpr std::uint64_t k_stores = 2;
constexpr std::uint64_t k_objects = 5;

std::string store_name(std::uint64_t number) { return "store " + std::to_string(number); }

/// False where the store was removed.
template <class Action>
bool unless_removed(Action action) {
  try {
    action();
    return true;
  } catch (const larder::io_error& e) {
    if (e.errno_value() != ENOENT) throw;
    return false;
  }
}

/// Works with a store that others may remove at any time, and make anew.
void visit(std::mt19937& random) {
  const bool limited = random() % 2 == 0;
  const store st(store_name(random() % k_stores), {.capacity = limited ? "200K" : ""});
  for (int i = 0; i < 4; ++i) {
    const std::uint64_t object = random() % k_objects;
    const std::string name = std::to_string(object);
    unless_removed([&] { st.put(name, proven::table_of(proven::new_seed(object, random))); });
    unless_removed([&] {
      const std::uint64_t seed = proven::new_seed(object, random);
      auto writer = st.create<double>(name, {proven::size_of(seed)});
      proven::fill(writer.array(), seed);
      std::move(writer).seal();
    });
    if (const auto found = st.find<proven::read_table>(name); found && !proven::is_right(*found, object))
      fail("a wrong object under the name " + name);
    unless_removed([&] { st.wait_for(name, std::chrono::nanoseconds(0)); });
    unless_removed([&] { st.forget(name); });
    unless_removed([&] { random() % 20 == 0 ? st.clear() : (void)st.names(); });
    unless_removed([&] { st.pin(name); });
    unless_removed([&] { st.unpin(name); });
  }
}

}  // namespace

void kill_removers(const store_stress_options& options) {
  const fs::path root = options.directory / "root";
  ::setenv("LARDER_STORE_DIR", root.c_str(), 1);
  const stint_totals totals = run_stints({.processes = options.processes,
                                          .operations = options.operations,
                                          .per_stint = 50,
                                          .seed = options.seed,
                                          .begin =
                                              [](std::size_t, std::mt19937& random) {
                                                return [&random] {
                                                  const auto choice = random() % 8;
                                                  if (choice == 0) {
                                                    store::remove(store_name(random() % k_stores));
                                                  } else if (choice == 1) {
                                                    store::list();
                                                  } else {
                                                    visit(random);
                                                  }
                                                };
                                              },
                                          .watch = {}});
  for (std::uint64_t i = 0; i < k_stores; ++i) {
    const store st(store_name(i));  // what was killed before it was a store, is one then
    st.put("a", 1);
    if (!store::remove(store_name(i))) fail("a store that cannot be removed");
  }
  if (!store::list().empty()) fail("a store that was removed is there");
  if (!fs::is_empty(root))
    fail("something was left behind: " + fs::directory_iterator(root)->path().string());
  std::printf("removals: %llu processes, %llu operations, %llu kills, %.1f s\n",
              static_cast<unsigned long long>(options.processes),
              static_cast<unsigned long long>(totals.operations),
              static_cast<unsigned long long>(totals.kills), totals.seconds);
}
