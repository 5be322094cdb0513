#include "src/cpu_count.hpp"

#include <larder/cpu_count.hpp>
#include <larder/error.hpp>

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace larder::detail {
namespace {

// The kernel refuses a mask smaller than its own with EINVAL, so the mask grows until it fits.
unsigned affinity_count() {
  constexpr std::size_t k_most_sets = 64;  // 65,536 processors
  for (std::size_t sets = 1; sets <= k_most_sets; sets *= 2) {
    std::vector<cpu_set_t> mask(sets);
    const std::size_t bytes = sets * sizeof(cpu_set_t);
    if (::sched_getaffinity(0, bytes, mask.data()) == 0) {
      return static_cast<unsigned>(std::max(1, CPU_COUNT_S(bytes, mask.data())));
    }
    if (errno != EINVAL) break;
  }
  return static_cast<unsigned>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)));
}

unsigned environment_cap() {
  const char* set = std::getenv("LARDER_MAX_CPUS");
  if (set == nullptr || *set == '\0') return std::numeric_limits<unsigned>::max();
  const std::string_view text(set);
  unsigned cap = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), cap);
  if (error != std::errc{} || end != text.data() + text.size() || cap == 0) {
    throw value_error("LARDER_MAX_CPUS is \"" + std::string(text) +
                      "\"; it has to be a whole number of at least 1, or not set");
  }
  return cap;
}

}  // namespace

unsigned usable_cpus() { return std::min(affinity_count(), environment_cap()); }

unsigned cpus_for_core_work() noexcept {
  try {
    return usable_cpus();
  } catch (const std::exception&) {
    return 1;
  }
}

}  // namespace larder::detail

int larder::cpu_count(cpu_kind) { return static_cast<int>(detail::usable_cpus()); }
