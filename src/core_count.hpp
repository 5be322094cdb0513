#pragma once
// Which processors are threads of one core.

#include <optional>
#include <span>
#include <string>

namespace larder::detail {

/// The number of cores that these processors (by the system's numbers) belong to. None where the system does not say, of
/// any of them. Reads a file for each. `root` comes before each path, for tests.
std::optional<unsigned> core_count(std::span<const unsigned> processors, const std::string& root = {});

}  // namespace larder::detail
