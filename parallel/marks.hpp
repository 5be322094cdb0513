#pragma once
#include <x86intrin.h>
#include <atomic>
#include <cstdint>
namespace larder::detail {
struct mark_page {
  std::atomic<std::uint64_t> t[16];
};
inline std::uint64_t parent_marks[32];
inline void mark(int i) { parent_marks[i] = __rdtsc(); }
inline mark_page* worker_marks[2];
}  // namespace larder::detail
