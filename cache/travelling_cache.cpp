// Cached functions on their way to another process.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <larder/detail/cached_core.hpp>
#include <larder/error.hpp>
#include <larder/fields.hpp>

#include "cache/age_limit.hpp"
#include "cache/cached_state.hpp"
#include "cache/memory_state.hpp"
#include "src/fork_safety.hpp"

namespace larder::detail {
namespace {

using nanoseconds = std::chrono::nanoseconds;

struct travelling_memory {
  std::string location;
  int verbose = 0;
  int compress = 0;
  std::string bytes_limit;
  bool read_only = false;
  larder::verification verification{};
  larder::on_busy on_busy{};
  std::optional<std::int64_t> wait_limit;
  bool group_shared = false;
  LARDER_FIELDS(location, verbose, compress, bytes_limit, read_only, verification, on_busy, wait_limit,
                group_shared)

  friend bool operator==(const travelling_memory&, const travelling_memory&) = default;
};

struct travelling_function {
  travelling_memory memory;
  std::string name;
  std::string version;
  std::vector<std::uint64_t> ignore;
  std::optional<std::int64_t> expires_after;
  std::optional<larder::on_busy> on_busy;
  LARDER_FIELDS(memory, name, version, ignore, expires_after, on_busy)
};

std::optional<std::int64_t> counted(const std::optional<nanoseconds>& time) {
  if (!time) return std::nullopt;
  return time->count();
}

travelling_memory parts_of(const memory_state& memory) {
  const memory_options& options = memory.options();
  return {.location = memory.location().string(),
          .verbose = options.verbose,
          .compress = options.compress,
          .bytes_limit = options.bytes_limit,
          .read_only = options.read_only,
          .verification = options.verification,
          .on_busy = options.on_busy,
          .wait_limit = counted(options.wait_limit),
          .group_shared = options.group_shared};
}

std::shared_ptr<const memory_state> make_memory(const travelling_memory& from) {
  memory_options options{.verbose = from.verbose,
                         .compress = from.compress,
                         .bytes_limit = from.bytes_limit,
                         .read_only = from.read_only,
                         .verification = from.verification,
                         .on_busy = from.on_busy,
                         .wait_limit = {},
                         .group_shared = from.group_shared};
  if (from.wait_limit) options.wait_limit = nanoseconds(*from.wait_limit);
  return std::make_shared<const memory_state>(from.location, options);
}

/// The handles that came here so far. A function that comes again finds its memory as it was: with its statistics, and what it
/// has warned of.
class arrived_memories {
 public:
  std::shared_ptr<const memory_state> get(const travelling_memory& from) {
    {
      const std::lock_guard lock(fork_safe_mutex());
      if (const auto* const known = find(from)) return *known;
    }
    auto made = make_memory(from);
    decltype(memories_) forgotten;  // after the mutex, which the end of a memory takes
    const std::lock_guard lock(fork_safe_mutex());
    if (const auto* const known = find(from)) return *known;
    if (memories_.size() >= k_most) memories_.swap(forgotten);
    memories_.emplace_back(from, made);
    return made;
  }

 private:
  static constexpr std::size_t k_most = 64;

  const std::shared_ptr<const memory_state>* find(const travelling_memory& from) const {
    const auto found = std::ranges::find(memories_, from, [](const auto& each) { return each.first; });
    return found == memories_.end() ? nullptr : &found->second;
  }

  std::vector<std::pair<travelling_memory, std::shared_ptr<const memory_state>>> memories_;
};

arrived_memories& arrived() {
  static auto& memories = *new arrived_memories;
  return memories;
}

}  // namespace

void cached_core::write(travel_writer& to) const {
  const auto& [name, result, arity, has_state, identity, options] = state_->function();
  travelling_function parts{.memory = parts_of(state_->memory()),
                            .name = name,
                            .version = options.version,
                            .ignore = {options.ignore.begin(), options.ignore.end()},
                            .expires_after = {},
                            .on_busy = options.on_busy};
  if (options.cache_validation_callback) {
    const auto* const limit = options.cache_validation_callback.target<age_limit>();
    if (limit == nullptr) {
      throw not_shippable(
          "parallel: the cached function \"" + name +
          "\" has a cache_validation_callback, which cannot go to another process unless expires_after "
          "made it; leave it out, or use the backend fork or threads");
    }
    parts.expires_after = limit->age.count();
  }
  write_value(parts, to.value());
}

cached_core cached_core::read(travel_reader& from, description function) {
  std::optional<travelling_function> parts;
  read_value(from.value(), parts);
  function.name = std::move(parts->name);
  function.options = {.version = std::move(parts->version),
                      .ignore = {parts->ignore.begin(), parts->ignore.end()},
                      .cache_validation_callback = {},
                      .on_busy = parts->on_busy};
  if (parts->expires_after) {
    function.options.cache_validation_callback = expires_after(nanoseconds(*parts->expires_after));
  }
  return cached_core(arrived().get(parts->memory), std::move(function));
}

}  // namespace larder::detail
