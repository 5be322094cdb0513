#pragma once
// How a function is cached, and how a result of it came about.

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <larder/entry_info.hpp>

namespace larder {

/// What a call does while another thread or process computes the same result.
enum class on_busy {
  wait,     ///< waits for it; if that fails, one of those who wait takes over
  compute,  ///< computes it too
};

struct cache_options {
  /// Stands for the function's code in the key: change it when the function's results change. Without one, the
  /// code's identity is the build of the program, so that a rebuilt program computes anew.
  std::string version{};
  /// Positions (from 0) of arguments that are not in the key. One that does not exist is a value_error.
  std::vector<std::size_t> ignore{};
  /// Asked of each entry before it is used, by any thread: where it says no, the call computes, and replaces the entry.
  /// What it throws passes through. expires_after makes one.
  std::function<bool(const entry_info&)> cache_validation_callback{};
  /// Instead of the memory's.
  std::optional<larder::on_busy> on_busy{};
};

/// For cache_validation_callback: entries older than this are computed anew. value_error for a negative age.
std::function<bool(const entry_info&)> expires_after(std::chrono::nanoseconds age);

/// How a result came about.
enum class outcome {
  hit,       ///< loaded from the cache
  computed,  ///< computed, and stored if that was possible
  waited,    ///< loaded, once the thread or process that was computing it had stored it
  bypassed,  ///< computed without storing: read-only cache, or no location
};

}  // namespace larder
