#include "src/use_mark.hpp"

#include <array>
#include <atomic>
#include <cstdint>

#include <sys/stat.h>

#include "src/file_times.hpp"

namespace larder::detail {
namespace {

/// What noted uses by itself when it was last looked at, and how many it was left to since: only hints, for a system may be told otherwise
/// at any time (`mount -o remount,noatime`), and is looked at again after some.
constinit std::atomic<std::uint64_t> noting_device = 0;
constinit std::atomic<std::uint32_t> unseen_uses = 0;
constexpr std::uint32_t k_most_unseen = 16;

}  // namespace

bool mark_used(const descriptor& file) noexcept {
  // Not UTIME_NOW, which is as coarse as the system's clock ticks: what is used shortly after another is used later.
  std::array<::timespec, 2> times = {{{}, {.tv_sec = 0, .tv_nsec = UTIME_OMIT}}};
  ::clock_gettime(CLOCK_REALTIME, &times.front());
  return ::futimens(file.fd(), times.data()) == 0;
}

bool is_noted(const ::timespec& accessed, const file_structure& of) noexcept {
  return compare(accessed, of.modified) > 0 && seconds_since(accessed) < k_recent_use_seconds;
}

bool is_noted_by_system(const descriptor& file, const file_structure& before) {
  // As coarse as the clock ticks: those that were made just now are marked in their order.
  if (!is_settled(before.modified, coarse_now())) return false;
  const std::uint64_t device = before.identity.device;
  const bool is_first =
      compare(before.accessed, before.modified) <= 0 || compare(before.accessed, before.changed) <= 0;
  if (is_first && noting_device.load(std::memory_order_relaxed) == device &&
      unseen_uses.fetch_add(1, std::memory_order_relaxed) < k_most_unseen) {
    return true;
  }
  const bool is_noting = is_noted(file.stat().st_atim, before);
  if (is_first || is_noting) {
    noting_device.store(is_noting ? device : 0, std::memory_order_relaxed);
    unseen_uses.store(0, std::memory_order_relaxed);
  }
  return is_noting;
}

}  // namespace larder::detail
