#pragma once
// What a cache directory is to be reduced to, and how much went.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace larder {

/// What is not given sets no limit.
struct reduce_options {
  /// Of all entries' files together: "10G", "1.5M", "500K", "123"; powers of 1024.
  std::string bytes_limit{};
  std::optional<std::uint64_t> items_limit{};       ///< the number of entries; 0 empties the cache
  std::optional<std::chrono::seconds> age_limit{};  ///< since an entry was used last
};

/// Entries, and the size of their files in bytes.
struct entry_totals {
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;

  friend bool operator==(const entry_totals&, const entry_totals&) = default;
};

}  // namespace larder
