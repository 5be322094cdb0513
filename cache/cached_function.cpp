#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>

#include <larder/error.hpp>
#include <larder/memory.hpp>

#include "cache/entry.hpp"
#include "cache/entry_directory.hpp"
#include "cache/memory_state.hpp"
#include "src/code_id.hpp"
#include "src/log.hpp"

namespace larder::detail {
namespace {

constexpr std::size_t k_longest_arguments = 1000;

/// What the system refuses is one cause, whatever was tried.
std::string system_cause(const io_error& e) { return "system " + std::to_string(e.errno_value()); }

std::string code_directory(const cached_core::description& function) {
  const std::string& version = function.options.version;
  return version.empty() ? "b-" + code_id(function.code)
                         : "v-" + escaped(version, "cache: the version of " + function.name);
}

}  // namespace

/// Immutable once made, so that any number of threads may use it.
class cached_state {
 public:
  cached_state(std::shared_ptr<const memory_state> m, cached_core::description f)
      : memory(std::move(m)), function(std::move(f)), code(code_directory(function)) {
    const std::string escaped_name = escaped(function.name, "cache: the name of the function");
    auto& ignore = function.options.ignore;
    std::ranges::sort(ignore);
    ignore.erase(std::unique(ignore.begin(), ignore.end()), ignore.end());
    if (!ignore.empty() && ignore.back() >= function.arity) {
      throw value_error("cache: " + function.name + " has " + std::to_string(function.arity) +
                        " arguments, so there is no argument " + std::to_string(ignore.back()) +
                        " to ignore (the first is 0)");
    }
    if (!memory->location().empty())
      directory = memory->location().string() + "/" + escaped_name + "/" + code;

    // docs/format.md, "Keys".
    hash_stream stream;
    stream.sequence(5);
    stream.text("larder key 1");
    stream.text(function.name);
    stream.text(code);
    stream.text(function.result_type);
    stream.sequence(ignore.size());
    for (const std::size_t position : ignore) stream.unsigned_integer(position, 8);
    identity = stream.finish();
  }

  std::shared_ptr<const memory_state> memory;
  cached_core::description function;
  std::string code;
  std::string directory;  // empty in a memory that caches nothing
  digest identity;

  std::string path_of(const digest& key) const { return entry_path(directory, key); }

  /// A result that is there and sound. Whatever else is found is a miss; `damaged` says that something is in the way.
  std::optional<raw_array> look_up(const std::string& path, dtype type, result_kind wanted,
                                   const placement& place, bool& damaged) const {
    const auto miss = [&](const std::string& cause, const std::exception& e) {
      memory->warn_once(cause, std::string(e.what()) + " (a result of \"" + function.name +
                                   "\" in the cache: it is computed again)");
      return std::nullopt;
    };
    try {
      return load_entry(path, type, wanted, memory->options().verification,
                        wanted == result_kind::vector ? &place : nullptr);
    } catch (const io_error& e) {
      // What the system refuses for want of descriptors or memory says nothing of the entry.
      const int fault = e.errno_value();
      damaged = fault == EACCES || fault == EISDIR || fault == EIO || fault == ENOTSUP;
      return miss(system_cause(e), e);
    } catch (const error& e) {
      damaged = true;
      return miss(path, e);
    } catch (const std::exception& e) {  // no memory
      return miss("load", e);
    }
  }

  /// Whether the result is in the cache now. A failure, of whatever kind, is a warning: the result is there all the
  /// same.
  bool store(const std::string& path, bool damaged, const raw_array& value, std::string arguments,
             double seconds) const {
    const auto failed = [&](const std::string& cause, const std::exception& e) {
      memory->warn_once(cause,
                        "cannot store a result of \"" + function.name + "\" in the cache: " + e.what());
      return false;
    };
    try {
      if (damaged) remove_entry(path);
      if (arguments.size() > k_longest_arguments) arguments = arguments.substr(0, k_longest_arguments) + "…";
      store_entry(memory->location().string(), path, value, memory->options().compress,
                  {function.name, code, std::move(arguments), seconds});
      return true;
    } catch (const io_error& e) {
      return failed(system_cause(e), e);
    } catch (const std::exception& e) {
      return failed("store", e);
    }
  }

  void report(const char* what, double seconds) const {
    std::array<char, 32> time{};
    std::snprintf(time.data(), time.size(), " %.3f s", seconds);
    log(log_level::info, function.name + what + time.data());
  }
};

cached_core::cached_core(std::shared_ptr<const memory_state> memory, description function)
    : state_(std::make_shared<const cached_state>(std::move(memory), std::move(function))) {}

bool cached_core::ignores(std::size_t position) const noexcept {
  return std::ranges::binary_search(state_->function.options.ignore, position);
}

void cached_core::start_key(hash_stream& stream) const {
  stream.array(state_->identity);
  stream.sequence(state_->function.arity - state_->function.options.ignore.size());
}

cached_core::result cached_core::evaluate(const digest& key, dtype type, result_kind wanted,
                                          pending_call& call) const {
  using clock = std::chrono::steady_clock;
  const cached_state& s = *state_;
  const memory_options& options = s.memory->options();
  const auto seconds_since = [](clock::time_point start) {
    return std::chrono::duration<double>(clock::now() - start).count();
  };
  if (!s.memory->usable()) {
    call.compute();
    return {std::nullopt, outcome::bypassed};
  }

  const auto room = [&call](std::size_t count) { return call.place(count); };
  const placement place(room);
  const std::string path = s.path_of(key);
  const auto start = clock::now();
  bool damaged = false;
  if (auto stored = s.look_up(path, type, wanted, place, damaged)) {
    if (options.verbose >= 2) s.report(": from the cache in", seconds_since(start));
    return {std::move(stored), outcome::hit};
  }

  // Before the call, which may move from its arguments.
  std::string arguments = options.read_only ? std::string() : call.describe();
  const auto computing = clock::now();
  const raw_array value = call.compute();
  const double seconds = seconds_since(computing);
  if (options.verbose >= 1) s.report(": computed in", seconds);
  if (options.read_only) return {std::nullopt, outcome::bypassed};
  std::optional<raw_array> stored;
  // A result that would come mapped later is mapped now; others are at hand.
  const bool mapped =
      options.compress == 0 && wanted != result_kind::vector && value.nbytes() >= k_mapped_bytes;
  if (s.store(path, damaged, value, std::move(arguments), seconds) && mapped) {
    stored = s.look_up(path, type, wanted, place, damaged);
  }
  return {std::move(stored), outcome::computed};
}

bool cached_core::contains(const digest& key) const {
  return state_->memory->usable() && has_entry(state_->path_of(key));
}

void cached_core::forget(const digest& key) const {
  if (!state_->directory.empty()) remove_entry(state_->path_of(key));
}

void cached_core::clear() const {
  if (!state_->directory.empty()) remove_entries_of_code(state_->directory);
}

}  // namespace larder::detail
