#include "cache/eviction.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <larder/error.hpp>

#include "cache/entry_directory.hpp"
#include "src/byte_size.hpp"

namespace larder::detail {
namespace {

using entry_iterator = std::vector<catalog_entry>::iterator;

entry_totals totals_of(entry_iterator first, entry_iterator last) {
  entry_totals totals;
  for (; first != last; ++first) {
    ++totals.entries;
    totals.bytes += first->bytes;
  }
  return totals;
}

/// By the number of a code, whether its function has another one that was used later.
std::vector<bool> superseded_codes(const catalog& of) {
  std::vector<file_time> used(of.codes.size(), file_time::min());
  for (const catalog_entry& entry : of.entries)
    used[entry.code] = std::max(used[entry.code], entry.last_used);
  const auto later = [&](std::size_t a, std::size_t b) {
    return std::tie(used[a], of.codes[a].code) > std::tie(used[b], of.codes[b].code);
  };
  std::map<std::string_view, std::size_t> latest;
  for (std::size_t i = 0; i < of.codes.size(); ++i) {
    const auto [found, is_first] = latest.emplace(of.codes[i].function, i);
    if (!is_first && later(i, found->second)) found->second = i;
  }
  std::vector<bool> superseded(of.codes.size());
  for (std::size_t i = 0; i < of.codes.size(); ++i) superseded[i] = latest.at(of.codes[i].function) != i;
  return superseded;
}

/// Puts the entries that have to go first, and returns the first that stays.
entry_iterator choose(catalog& from, const eviction_limits& limits) {
  auto kept = from.entries.begin();
  const auto end = from.entries.end();
  if (limits.other_codes) {
    const auto superseded = superseded_codes(from);
    kept = std::partition(kept, end, [&](const catalog_entry& entry) { return superseded[entry.code]; });
  }
  if (limits.age) {
    constexpr std::chrono::seconds k_longest =
        std::chrono::hours(24 * 36500);  // nanoseconds count no further
    const file_time oldest = std::chrono::system_clock::now() - std::min(*limits.age, k_longest);
    kept = std::partition(kept, end, [&](const catalog_entry& entry) { return entry.last_used < oldest; });
  }
  entry_totals rest = totals_of(kept, end);
  const auto fits = [&] {
    return rest.bytes <= limits.bytes.value_or(rest.bytes) &&
           rest.entries <= limits.items.value_or(rest.entries);
  };
  if (fits()) return kept;
  std::sort(kept, end, [](const catalog_entry& a, const catalog_entry& b) {
    return std::tie(a.last_used, a.key.high, a.key.low, a.code) <
           std::tie(b.last_used, b.key.high, b.key.low, b.code);
  });
  for (; !fits(); ++kept) {
    --rest.entries;
    rest.bytes -= kept->bytes;
  }
  return kept;
}

}  // namespace

eviction_limits limits_from(const reduce_options& options) {
  eviction_limits limits{.items = options.items_limit, .age = options.age_limit};
  if (!options.bytes_limit.empty()) limits.bytes = byte_size(options.bytes_limit, "reduce_size: bytes_limit");
  if (limits.age && limits.age->count() < 0) {
    throw value_error("reduce_size: age_limit = " + std::to_string(limits.age->count()) +
                      " s; 0 and more is allowed");
  }
  return limits;
}

eviction evict(catalog& from, const eviction_limits& limits, eviction_mode mode) {
  const auto kept = choose(from, limits);
  const entry_totals chosen = totals_of(from.entries.begin(), kept);
  const entry_totals left = totals_of(kept, from.entries.end());
  if (mode == eviction_mode::dry_run) return {.removed = chosen, .kept = left};
  return {.removed = remove_entries(from, static_cast<std::size_t>(chosen.entries)), .kept = left};
}

}  // namespace larder::detail
