#pragma once
// A cache of function results on disk: what was computed once, by any process, is loaded ever after.
//
//   larder::memory mem("cache-dir");
//   auto cov = mem.cache("stats.covariance", covariance, {.version = "1"});
//   auto c = cov(x, ridge);      // computed the first time, mapped from the disk ever after

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <larder/cache_options.hpp>
#include <larder/cached_function.hpp>
#include <larder/detail/signature.hpp>
#include <larder/load.hpp>
#include <larder/memory_stats.hpp>
#include <larder/reduce_options.hpp>

namespace larder {

struct memory_options {
  int verbose = 0;   ///< 0: only warnings; 1: a log line per call computed, with its time; 2: also per hit
  int compress = 0;  ///< zstd level of entries, as in dump; what is compressed comes as a copy
  /// The most bytes that entries may have together, as "10G", "500M" or "2K" (of 1,024); empty: no limit. Each store
  /// keeps it, of this process and of others that set it: what was least recently used goes first. An entry larger than
  /// that is not stored. Those that set no limit are kept count of once one has.
  std::string bytes_limit{};
  bool read_only = false;  ///< hits are loaded, misses are computed and not stored: for a cache of others
  larder::verification verification = larder::verification::automatic;  ///< of mapped results, as in load
  larder::on_busy on_busy =
      larder::on_busy::wait;  ///< while another thread or process computes the same result
  /// The longest time that a call waits before it computes after all. Without one it waits as long as it takes.
  std::optional<std::chrono::nanoseconds> wait_limit{};
  /// Shares the cache with the group: a directory that the group may write to, whoever of it owns it, is trusted, and what is
  /// made in it is for the group.
  bool group_shared = false;
};

/// A handle on a cache directory; copies share it. Thread-safe; any number of processes may use one directory at the
/// same time, and a process may fork. Nothing is created before something has to be computed.
///
/// The directory holds results that are trusted when they are loaded: one that belongs to another user (other than
/// root), or that others may write to, is a value_error; one that comes up later is a warning, and nothing is cached. An
/// empty location caches nothing.
class memory {
 public:
  /// value_error for an option out of its range (compress 0 to 19, verbose 0 to 2, a wait_limit under 0, a bytes_limit that
  /// is no size), and for a directory that is not trusted; io_error where the location cannot be made absolute.
  explicit memory(const std::filesystem::path& location, const memory_options& options = {});

  /// Wraps a function. The name and the version (or the program's build) name its results in the directory, for
  /// every program that uses it: give a function a name of its own. value_error for an empty or overlong name or version,
  /// an ignored position that does not exist, or a name that stands for another function in this process. Without a
  /// version also for code that lies in no loaded module, and io_error where the file of the program or of a library of
  /// its cannot be read.
  template <class F>
    requires(!std::is_function_v<F>)
  auto cache(std::string name, F function, cache_options options = {}) const {
    if constexpr (detail::has_signature<F>) {
      return wrap<detail::signature_of<F>>(std::move(name), std::move(function), std::move(options));
    } else {
      detail::require_signature<F>();
    }
  }

  /// For overloaded and generic functions: cache<array<double>(double, int)>("name", LARDER_FN(f)).
  template <class Signature, class F>
    requires std::is_function_v<Signature>
  auto cache(std::string name, F function, cache_options options = {}) const {
    return wrap<Signature>(std::move(name), std::move(function), std::move(options));
  }

  /// A single call: cache(name, function)(args...).
  template <class F, class... Args>
  auto eval(std::string name, F function, Args&&... args) const {
    return cache(std::move(name), std::move(function))(std::forward<Args>(args)...);
  }

  /// Absolute; empty for a memory that caches nothing.
  const std::filesystem::path& location() const noexcept;

  /// Removes the entries of all functions, and nothing else that lies in the directory. io_error where that fails.
  void clear() const;

  /// Removes entries until the directory is within the limits: first those that were not used for longer than
  /// age_limit, then the least recently used. Returns what it removed. Results that are mapped stay valid. Without limits,
  /// or a location, it does nothing. value_error for a limit that is none, and in a read_only memory; io_error.
  entry_totals reduce_size(const reduce_options& options) const;

  /// What it did so far. A count may lack calls that other threads are in the middle of.
  memory_stats stats() const;

 private:
  template <class Signature, class F>
  auto wrap(std::string name, F function, cache_options options) const;

  std::shared_ptr<const detail::memory_state> state_;
};

template <class Signature, class F>
auto memory::wrap(std::string name, F function, cache_options options) const {
  detail::require_cacheable<Signature, F>();
  auto description = detail::describe_cached<Signature>(function);
  description.name = std::move(name);
  description.options = std::move(options);
  detail::cached_core core(state_, std::move(description));
  return cached_function<Signature, F>(std::move(core), std::move(function));
}

}  // namespace larder
