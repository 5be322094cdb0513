#include <larder/memory.hpp>

#include <larder/error.hpp>

#include "cache/age_limit.hpp"
#include "cache/byte_ledger.hpp"
#include "cache/entry_directory.hpp"
#include "cache/eviction.hpp"
#include "cache/memory_state.hpp"
#include "src/byte_size.hpp"
#include "src/container_writer.hpp"
#include "src/fork_safety.hpp"
#include "src/log.hpp"

namespace larder {
namespace detail {

memory_state::memory_state(const std::filesystem::path& location, const memory_options& options)
    : options_(options) {
  check_compress("memory", options.compress);
  if (options.verbose < 0 || options.verbose > 2) {
    throw value_error("memory: verbose = " + std::to_string(options.verbose) + "; 0, 1 and 2 are allowed");
  }
  if (options.wait_limit && *options.wait_limit < std::chrono::nanoseconds(0)) {
    throw value_error("memory: wait_limit = " + std::to_string(options.wait_limit->count()) +
                      " ns; it cannot be negative");
  }
  if (!options.bytes_limit.empty()) bytes_limit_ = byte_size(options.bytes_limit, "memory: bytes_limit");
  if (location.empty()) return;
  location_ = absolute_location(location);
  directory_ = {location_.string(), options.group_shared};
  if (check_trusted(directory_)) trust_ = trust::given;
}

bool memory_state::usable() const {
  if (trust_ == trust::unknown && !location_.empty()) {
    try {
      if (check_trusted(directory_)) trust_ = trust::given;
    } catch (const error& e) {
      trust_ = trust::refused;
      warn_once("trust", std::string(e.what()) + " (nothing is cached)");
    }
  }
  return trust_ != trust::refused && !location_.empty();
}

void memory_state::require_writable(const char* caller) const {
  if (options_.read_only)
    throw value_error(std::string(caller) + ": this memory is read_only: nothing in it is changed");
}

void memory_state::warn_once(const std::string& cause, const std::string& text) const {
  {
    constexpr std::size_t k_most_causes = 1000;
    const std::lock_guard lock(fork_safe_mutex());
    if (warned_.size() >= k_most_causes || !warned_.insert(cause).second) return;
  }
  log(log_level::warning, text);
}

}  // namespace detail

memory::memory(const std::filesystem::path& location, const memory_options& options)
    : state_(std::make_shared<detail::memory_state>(location, options)) {}

const std::filesystem::path& memory::location() const noexcept { return state_->location(); }

void memory::clear() const {
  state_->require_writable("clear");
  if (location().empty()) return;
  const std::string where = location().string();
  detail::remove_counted(state_->directory(), [&] { return detail::remove_all_entries(where); });
}

memory_stats memory::stats() const {
  const detail::call_counts& counts = state_->counts();
  return {.hits = counts.hits,
          .misses = counts.misses,
          .waits = counts.waits,
          .bytes = counts.bytes,
          .corrupt = counts.corrupt,
          .seconds_saved = counts.seconds_saved};
}

std::function<bool(const entry_info&)> expires_after(std::chrono::nanoseconds age) {
  if (age < std::chrono::nanoseconds(0)) {
    throw value_error("expires_after: " + std::to_string(age.count()) + " ns; an age cannot be negative");
  }
  return detail::age_limit{age};
}

entry_totals memory::reduce_size(const reduce_options& options) const {
  const detail::eviction_limits limits = detail::limits_from(options);
  state_->require_writable("reduce_size");
  if (location().empty() || limits.none()) return {};
  return detail::remove_counted(state_->directory(), [&] {
    detail::catalog entries = detail::read_catalog(location().string());
    return detail::evict(entries, limits).removed;
  });
}

}  // namespace larder
