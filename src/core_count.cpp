#include "src/core_count.hpp"

#include <array>
#include <set>
#include <string>
#include <utility>

#include "src/kernel_text.hpp"

namespace larder::detail {

std::optional<unsigned> core_count(std::span<const unsigned> processors, const std::string& root) {
  // The number of a core is unique in its die at best.
  std::set<std::array<std::string, 3>> cores;
  for (const unsigned each : processors) {
    const std::string directory = root + "/sys/devices/system/cpu/cpu" + std::to_string(each) + "/topology/";
    std::string package = kernel_text(directory + "physical_package_id");
    std::string core = kernel_text(directory + "core_id");
    if (package.empty() || core.empty()) return std::nullopt;
    cores.insert({std::move(package), kernel_text(directory + "die_id"), std::move(core)});
  }
  if (cores.empty()) return std::nullopt;
  return static_cast<unsigned>(cores.size());
}

}  // namespace larder::detail
