#include <larder/memory.hpp>

#include <larder/error.hpp>

#include "cache/entry_directory.hpp"
#include "cache/eviction.hpp"
#include "cache/memory_state.hpp"
#include "src/container_writer.hpp"
#include "src/log.hpp"

namespace larder {
namespace detail {

memory_state::memory_state(const std::filesystem::path& location, const memory_options& options)
    : options_(options) {
  check_compress("memory", options.compress);
  if (!options.bytes_limit.empty()) {
    throw value_error("memory: bytes_limit = \"" + options.bytes_limit +
                      "\" is not available in this version; leave it empty");
  }
  if (options.verbose < 0 || options.verbose > 2) {
    throw value_error("memory: verbose = " + std::to_string(options.verbose) + "; 0, 1 and 2 are allowed");
  }
  if (location.empty()) return;
  std::error_code fault;
  location_ = std::filesystem::absolute(location, fault);  // ".." stays: it may follow a symbolic link
  if (fault) throw io_error(location.string(), "cannot make absolute", fault.value());
  while (!location_.has_filename() && location_.has_relative_path())
    location_ = location_.parent_path();  // "dir/"
  if (check_trusted(location_.string())) trust_ = trust::given;
}

bool memory_state::usable() const {
  if (trust_ == trust::unknown && !location_.empty()) {
    try {
      if (check_trusted(location_.string())) trust_ = trust::given;
    } catch (const error& e) {
      trust_ = trust::refused;
      warn_once("trust", std::string(e.what()) + " (nothing is cached)");
    }
  }
  return trust_ != trust::refused && !location_.empty();
}

void memory_state::warn_once(const std::string& cause, const std::string& text) const {
  {
    constexpr std::size_t k_most_causes = 1000;
    const std::lock_guard lock(mutex_);
    if (warned_.size() >= k_most_causes || !warned_.insert(cause).second) return;
  }
  log(log_level::warning, text);
}

}  // namespace detail

memory::memory(const std::filesystem::path& location, const memory_options& options)
    : state_(std::make_shared<detail::memory_state>(location, options)) {}

const std::filesystem::path& memory::location() const noexcept { return state_->location(); }

void memory::clear() const {
  if (!location().empty()) detail::remove_all_entries(location().string());
}

entry_totals memory::reduce_size(const reduce_options& options) const {
  const detail::eviction_limits limits = detail::limits_from(options);
  if (state_->options().read_only)
    throw value_error("reduce_size: this memory is read_only; nothing is removed");
  if (location().empty() || limits.none()) return {};
  detail::catalog entries = detail::read_catalog(location().string());
  return detail::evict(entries, limits).removed;
}

}  // namespace larder
