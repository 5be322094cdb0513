#pragma once
// The times of files.

#include <algorithm>
#include <chrono>
#include <compare>
#include <cstdint>

#include <time.h>

namespace larder::detail {

inline std::strong_ordering compare(const ::timespec& a, const ::timespec& b) noexcept {
  return a.tv_sec != b.tv_sec ? a.tv_sec <=> b.tv_sec : a.tv_nsec <=> b.tv_nsec;
}

/// Now, as of the last tick of the system's clock.
inline ::timespec coarse_now() noexcept {
  ::timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return now;
}

/// Whether a file's time is so far from `now` that a change to come will get another one, even where times are as coarse as 2 s.
inline bool is_settled(const ::timespec& time, const ::timespec& now) noexcept {
  constexpr std::int64_t k_coarsest_seconds = 2;  // FAT's
  return compare(time, {.tv_sec = now.tv_sec - k_coarsest_seconds, .tv_nsec = now.tv_nsec}) < 0;
}

using file_time = std::chrono::sys_time<std::chrono::nanoseconds>;

/// Years that 64 bits of nanoseconds cannot count to are cut.
inline file_time time_of(const ::timespec& of) noexcept {
  constexpr std::int64_t k_last = 9'000'000'000;  // 2255
  return file_time(std::chrono::seconds(std::clamp<std::int64_t>(of.tv_sec, 0, k_last)) +
                   std::chrono::nanoseconds(of.tv_nsec));
}

}  // namespace larder::detail
