#pragma once
// How a function is cached, and how a result of it came about.

#include <cstddef>
#include <string>
#include <vector>

namespace larder {

struct cache_options {
  /// Stands for the function's code in the key: change it when the function's results change. Without one, the
  /// code's identity is the build of the program, so that a rebuilt program computes anew.
  std::string version{};
  /// Positions (from 0) of arguments that are not in the key. One that does not exist is a value_error.
  std::vector<std::size_t> ignore{};
};

/// How a result came about.
enum class outcome {
  hit,       ///< loaded from the cache
  computed,  ///< computed, and stored if that was possible
  bypassed,  ///< computed without storing: read-only cache, or no location
};

}  // namespace larder
