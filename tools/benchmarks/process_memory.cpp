#include "tools/benchmarks/process_memory.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace larder_bench {
namespace {

std::string directory_of(pid_t id) { return "/proc/" + std::to_string(id) + "/"; }

/// The line `name: N kB` of such a file, for all processes; one that has ended has nothing.
double sum_of(const process_ids& ids, const std::string& file_name, const std::string& name) {
  double kibibytes = 0;
  for (const pid_t each : ids) {
    std::ifstream file(directory_of(each) + file_name);
    for (std::string word; file >> word;) {
      if (word != name + ":") continue;
      double n = 0;
      file >> n;
      kibibytes += n;
      break;
    }
  }
  return kibibytes * 1024;
}

}  // namespace

process_ids this_and_children() {
  process_ids ids = {::getpid()};
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream children(thread.path() / "children");
    for (pid_t each = 0; children >> each;) ids.push_back(each);
  }
  return ids;
}

double proportional_bytes(const process_ids& ids) { return sum_of(ids, "smaps_rollup", "Pss"); }
double resident_bytes(const process_ids& ids) { return sum_of(ids, "status", "VmRSS"); }
double peak_resident_bytes(const process_ids& ids) { return sum_of(ids, "status", "VmHWM"); }

void reset_peaks(const process_ids& ids) {
  for (const pid_t each : ids) {
    const bool reset = static_cast<bool>((std::ofstream(directory_of(each) + "clear_refs") << "5").flush());
    if (!reset && ::access(directory_of(each).c_str(), F_OK) == 0) {
      throw std::runtime_error("the peak of the resident memory cannot be reset");
    }
  }
}

}  // namespace larder_bench
