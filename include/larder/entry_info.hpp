#pragma once
// What is known of an entry of a cache beside its result.

#include <chrono>
#include <string>

#include <larder/digest.hpp>

namespace larder {

struct entry_info {
  std::string function;   ///< as it was named
  std::string code;       ///< "v-" and the version, or "b-" and the identity of the build
  std::string arguments;  ///< readable, cut to 1,000 bytes
  std::string host;       ///< that computed it
  double seconds = 0;     ///< that computing it took
  std::chrono::system_clock::time_point time{};  ///< when that was done
  digest key;
};

}  // namespace larder
