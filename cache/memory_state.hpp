#pragma once
// What the handles on one memory share.

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>

#include <larder/memory.hpp>

#include "cache/cache_directory.hpp"
#include "cache/kept_lock_files.hpp"

namespace larder::detail {

/// Counted by any thread, each by itself: nothing is ordered by them.
struct call_counts {
  std::atomic<std::uint64_t> hits = 0;
  std::atomic<std::uint64_t> misses = 0;
  std::atomic<std::uint64_t> waits = 0;
  std::atomic<std::uint64_t> bytes = 0;
  std::atomic<std::uint64_t> corrupt = 0;
  std::atomic<double> seconds_saved = 0;
};

class memory_state {
 public:
  /// value_error for options that make no sense, and for a location that cannot be trusted.
  memory_state(const std::filesystem::path& location, const memory_options& options);

  const memory_options& options() const noexcept { return options_; }
  /// Absolute; empty for a memory that caches nothing.
  const std::filesystem::path& location() const noexcept { return location_; }
  const cache_directory& directory() const noexcept { return directory_; }
  std::optional<std::uint64_t> bytes_limit() const noexcept { return bytes_limit_; }
  call_counts& counts() const noexcept { return counts_; }
  kept_lock_files& lock_files() const noexcept { return lock_files_; }

  /// Whether entries can be looked for and stored: there is a location, and it can be trusted. It is asked again,
  /// until the directory exists, since somebody else may have made it; then the answer stays. A directory that
  /// cannot be trusted is a warning. Thread-safe.
  bool usable() const;

  /// Whether the last store failed. Thread-safe.
  bool stores_fail() const noexcept { return stores_fail_.load(std::memory_order_relaxed); }
  void set_stores_fail(bool fail) const noexcept { stores_fail_.store(fail, std::memory_order_relaxed); }

  /// value_error, naming the caller, for a memory that is read_only.
  void require_writable(const char* caller) const;

  /// Logs a warning, the first time that its cause comes up, of a limited number of causes. Thread-safe.
  void warn_once(const std::string& cause, const std::string& text) const;

 private:
  memory_options options_;
  std::filesystem::path location_;
  cache_directory directory_;
  std::optional<std::uint64_t> bytes_limit_;
  enum class trust { unknown, given, refused };
  mutable std::atomic<trust> trust_ = trust::unknown;  // by itself: it orders nothing else
  mutable call_counts counts_;
  mutable kept_lock_files lock_files_;
  mutable std::atomic<bool> stores_fail_ = false;  // a hint: it orders nothing
  mutable std::set<std::string> warned_;           // guarded by fork_safe_mutex
};

}  // namespace larder::detail
