#include "src/cpu_count.hpp"

#include <sched.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <larder/cpu_count.hpp>
#include <larder/error.hpp>

#include "src/cgroup_quota.hpp"
#include "src/core_count.hpp"

namespace larder {
namespace {

constexpr unsigned k_unlimited = std::numeric_limits<unsigned>::max();

/// The calling thread's, or none where the system does not say.
class affinity_mask {
 public:
  affinity_mask() {
    // The kernel refuses a mask smaller than its own with EINVAL, so the mask grows until it fits.
    constexpr std::size_t k_most_sets = 64;  // 65,536 processors
    if (fits(&first_, 1) || errno != EINVAL) return;
    for (std::size_t sets = 2; sets <= k_most_sets; sets *= 2) {
      more_.resize(sets);
      if (fits(more_.data(), sets) || errno != EINVAL) return;
    }
  }
  affinity_mask(const affinity_mask&) = delete;
  affinity_mask& operator=(const affinity_mask&) = delete;

  unsigned count() const {
    const int set = CPU_COUNT_S(bytes_, mask_);
    return static_cast<unsigned>(set > 0 ? set : std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)));
  }

  std::vector<unsigned> processors() const {
    std::vector<unsigned> set;
    for (unsigned each = 0; each < 8 * bytes_; ++each)
      if (CPU_ISSET_S(each, bytes_, mask_)) set.push_back(each);
    return set;
  }

 private:
  bool fits(cpu_set_t* mask, std::size_t sets) {
    if (::sched_getaffinity(0, sets * sizeof *mask, mask) != 0) return false;
    mask_ = mask;
    bytes_ = sets * sizeof *mask;
    return true;
  }

  cpu_set_t first_{};  // for all but the largest machines, without an allocation
  std::vector<cpu_set_t> more_;
  const cpu_set_t* mask_ = &first_;
  std::size_t bytes_ = 0;
};

unsigned environment_cap() {
  const char* set = std::getenv("LARDER_MAX_CPUS");
  if (set == nullptr || *set == '\0') return k_unlimited;
  const std::string_view text(set);
  unsigned cap = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), cap);
  if (error != std::errc{} || end != text.data() + text.size() || cap == 0) {
    throw value_error("LARDER_MAX_CPUS is \"" + std::string(text) +
                      "\"; it has to be a whole number of at least 1, or not set");
  }
  return cap;
}

/// What is remembered of the quotas: the second after the one in which they were looked up, and 0 for none, in one word, so that a
/// reader sees both of the same time. 0 before the first time.
constinit std::atomic<std::uint64_t> remembered = 0;

std::uint64_t coarse_seconds() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<std::uint64_t>(now.tv_sec) + 1;
}

}  // namespace

std::optional<unsigned> detail::recent_cgroup_quota() noexcept {
  constexpr int k_half = 32;
  const std::uint64_t now = (coarse_seconds() & k_unlimited) << k_half;
  std::uint64_t known = remembered.load(std::memory_order_relaxed);
  const bool is_recent = known >> k_half == now >> k_half;
  // Of the threads that find it too old one looks again, and the others make do with it meanwhile; only the first time, when there
  // is nothing to make do with, each looks for itself. In a child of fork whose parent was just looking, it is old for a
  // second more.
  const bool is_ours =
      !is_recent && (known == 0 || remembered.compare_exchange_strong(known, now | (known & k_unlimited),
                                                                      std::memory_order_relaxed));
  if (is_ours) {
    try {
      known = now | cgroup_quota().value_or(0);
      remembered.store(known, std::memory_order_relaxed);
    } catch (const std::exception&) {  // no memory: as it was
    }
  }
  const auto quota = static_cast<unsigned>(known & k_unlimited);
  return quota == 0 ? std::nullopt : std::optional(quota);
}

unsigned detail::cpus_for_core_work() noexcept {
  try {
    return static_cast<unsigned>(cpu_count());
  } catch (const std::exception&) {
    return 1;
  }
}

int cpu_count(cpu_kind kind) {
  const unsigned cap = environment_cap();
  const affinity_mask mask;
  unsigned count = mask.count();
  if (kind == cpu_kind::physical) count = detail::core_count(mask.processors()).value_or(count);
  count = std::min(count, cap);
  if (count > 1) count = std::min(count, detail::recent_cgroup_quota().value_or(k_unlimited));
  return static_cast<int>(count);
}

}  // namespace larder
