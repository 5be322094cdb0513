#pragma once
// Which entries go when a cache is to become smaller.

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>

#include <larder/reduce_options.hpp>

#include "cache/catalog.hpp"

namespace larder::detail {

struct eviction_limits {
  std::optional<std::uint64_t> bytes{};
  std::optional<std::uint64_t> items{};
  std::optional<std::chrono::seconds> age{};  // since the last use
  bool other_codes = false;                   // of each function, all codes go but the one that was used last

  bool none() const noexcept { return !bytes && !items && !age && !other_codes; }
};

/// value_error for a bytes_limit that is no size, and for a negative age_limit.
eviction_limits limits_from(const reduce_options& options);

enum class eviction_mode { carry_out, dry_run };

struct eviction {
  entry_totals removed;  // by this call: not what somebody else removed meanwhile
  entry_totals kept;
};

/// Removes entries from a cache directory: those of other codes, those that are too old, and then the least recently used,
/// until the rest is within the limits; among equals, in the order of their keys. Also what remove_entries sweeps.
/// Mappings of what is removed stay valid. Orders the catalog's entries anew: what goes comes first. io_error.
eviction evict(catalog& from, const eviction_limits& limits, eviction_mode mode = eviction_mode::carry_out);

}  // namespace larder::detail
