#pragma once
// What a store knows of an object.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

namespace larder {

struct object_info {
  std::string name;            ///< empty for an object that was put without one
  std::filesystem::path path;  ///< of its file
  std::string type;            ///< the canonical type text: "map<string,array<f64>>"
  std::uint64_t bytes = 0;     ///< of its file
  std::chrono::system_clock::time_point created;
  std::chrono::system_clock::time_point last_used;  ///< put, or got
  bool pinned = false;                              ///< is never evicted
  /// Some process has it mapped, or open: it is not evicted as long as that is so. (Two that ask at the same time may be told of each other.)
  bool in_use = false;
};

}  // namespace larder
