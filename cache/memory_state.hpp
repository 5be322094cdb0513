#pragma once
// What the handles on one memory share.

#include <atomic>
#include <filesystem>
#include <mutex>
#include <set>
#include <string>

#include <larder/memory.hpp>

namespace larder::detail {

class memory_state {
 public:
  /// value_error for options of later versions, and for a location that cannot be trusted.
  memory_state(const std::filesystem::path& location, const memory_options& options);

  const memory_options& options() const noexcept { return options_; }
  /// Absolute; empty for a memory that caches nothing.
  const std::filesystem::path& location() const noexcept { return location_; }

  /// Whether entries can be looked for and stored: there is a location, and it can be trusted. It is asked again,
  /// until the directory exists, since somebody else may have made it; then the answer stays. A directory that
  /// cannot be trusted is a warning. Thread-safe.
  bool usable() const;

  /// Logs a warning, the first time that its cause comes up, of a limited number of causes. Thread-safe.
  void warn_once(const std::string& cause, const std::string& text) const;

 private:
  memory_options options_;
  std::filesystem::path location_;
  enum class trust { unknown, given, refused };
  mutable std::atomic<trust> trust_ = trust::unknown;  // by itself: it orders nothing else
  mutable std::mutex mutex_;                           // guards warned_
  mutable std::set<std::string> warned_;
};

}  // namespace larder::detail
