#include "src/known_structures.hpp"

#include <algorithm>
#include <mutex>
#include <utility>

#include "src/fork_safety.hpp"

namespace larder::detail {
namespace {

struct entry {
  structure_key key;
  std::shared_ptr<const file_structure> structure;
  std::uint64_t used = 0;
};

// Together a few MiB.
constexpr std::size_t k_most = 16;
constexpr std::size_t k_most_arrays = 256;
constexpr std::size_t k_most_text = std::size_t{64} << 10;

struct table {
  std::array<entry, k_most> all;
  std::uint64_t uses = 0;
};

/// Under fork_safe_mutex, from its making on. Never destroyed: threads may load until the very end.
table& known_structures() {
  static auto& known = *new table();
  return known;
}

}  // namespace

std::shared_ptr<const file_structure> find_structure(const structure_key& key) {
  const std::lock_guard lock(fork_safe_mutex());
  table& known = known_structures();
  const auto found = std::ranges::find_if(
      known.all, [&](const auto& each) { return each.structure != nullptr && each.key == key; });
  if (found == known.all.end()) return nullptr;
  found->used = ++known.uses;
  return found->structure;
}

void remember_structure(const structure_key& key, const file_structure& structure) {
  if (structure.arrays.size() < 2 || structure.arrays.size() > k_most_arrays ||
      structure.object.size() + structure.metadata.size() + structure.type.size() > k_most_text) {
    return;
  }
  auto remembered = std::make_shared<const file_structure>(structure);
  // What is forgotten is freed after the lock.
  const std::lock_guard lock(fork_safe_mutex());
  table& known = known_structures();
  auto& oldest = *std::ranges::min_element(known.all, {}, &entry::used);
  oldest.key = key;
  oldest.structure.swap(remembered);
  oldest.used = ++known.uses;
}

}  // namespace larder::detail
