#pragma once
// How coarse the times of files are.

#include <cstdint>

#include <time.h>

namespace larder::detail {

/// Whether a file's time is so far from `now` that a change to come will get another one, even where times are as coarse as 2 s.
inline bool is_settled(const ::timespec& time, const ::timespec& now) noexcept {
  constexpr std::int64_t k_coarsest_seconds = 2;  // FAT's
  const auto seconds = now.tv_sec - k_coarsest_seconds;
  return time.tv_sec < seconds || (time.tv_sec == seconds && time.tv_nsec < now.tv_nsec);
}

}  // namespace larder::detail
