#pragma once
// The times of files.

#include <algorithm>
#include <chrono>
#include <cstdint>

#include <time.h>

namespace larder::detail {

using file_time = std::chrono::sys_time<std::chrono::nanoseconds>;

/// Years that 64 bits of nanoseconds cannot count to are cut.
inline file_time time_of(const ::timespec& of) noexcept {
  constexpr std::int64_t k_last = 9'000'000'000;  // 2255
  return file_time(std::chrono::seconds(std::clamp<std::int64_t>(of.tv_sec, 0, k_last)) +
                   std::chrono::nanoseconds(of.tv_nsec));
}

}  // namespace larder::detail
