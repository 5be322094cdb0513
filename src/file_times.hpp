#pragma once
// The times that files have.

#include <compare>
#include <cstdint>

#include <time.h>

namespace larder::detail {

inline std::strong_ordering order(const ::timespec& a, const ::timespec& b) noexcept {
  return a.tv_sec != b.tv_sec ? a.tv_sec <=> b.tv_sec : a.tv_nsec <=> b.tv_nsec;
}

/// Now, as exactly as the system notes the times of files.
inline ::timespec coarse_now() noexcept {
  ::timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return now;
}

/// Whether a file's time is so far from `now` that a change to come will get another one, even where times are as coarse as 2 s.
inline bool is_settled(const ::timespec& time, const ::timespec& now) noexcept {
  constexpr std::int64_t k_coarsest_seconds = 2;  // FAT's
  return order(time, {.tv_sec = now.tv_sec - k_coarsest_seconds, .tv_nsec = now.tv_nsec}) < 0;
}

}  // namespace larder::detail
