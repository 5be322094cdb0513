#pragma once
// What stands for a call on its way to a worker that is a process of its own.

#include <cstdint>
#include <memory>

#include <larder/detail/travel.hpp>

namespace larder::detail {

class shipped_call;  // <larder/detail/shipment.hpp>

/// Where a worker begins with a call. It lies in memory that is not written to once the program is loaded.
struct task_descriptor {
  static constexpr std::uint64_t k_magic = 0x314B'5354'5244'524C;  // "LRDRTSK1"

  std::uint64_t magic;
  std::uint64_t signature;  // of the types in the call
  // Linkers fold what is the same, functions as well as constants; this address is another one for each.
  const void* identity;
  /// Reads what shipment::write wrote.
  std::unique_ptr<shipped_call> (*make)(travel_reader& from);
};

}  // namespace larder::detail
