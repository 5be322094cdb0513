#include "tests/fuzz/allocation_peak.hpp"

#include <atomic>

// What compiler-rt's sanitizers offer (sanitizer/allocator_interface.h); null without them.
extern "C" {
[[gnu::weak]] int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void*,
                                                                              std::size_t),
                                                            void (*on_free)(const volatile void*));
[[gnu::weak]] std::size_t __sanitizer_get_allocated_size(const volatile void* allocated);
}

namespace fuzz {
namespace {

std::atomic<std::size_t> live = 0;
std::atomic<std::size_t> peak = 0;

void add(const volatile void* /*allocated*/, std::size_t bytes) {
  const std::size_t now = live.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  std::size_t known = peak.load(std::memory_order_relaxed);
  while (known < now && !peak.compare_exchange_weak(known, now, std::memory_order_relaxed)) {
  }
}

void remove(const volatile void* freed) {
  if (freed != nullptr) live.fetch_sub(__sanitizer_get_allocated_size(freed), std::memory_order_relaxed);
}

const bool installed = __sanitizer_install_malloc_and_free_hooks != nullptr &&
                       __sanitizer_install_malloc_and_free_hooks(add, remove) != 0;

}  // namespace

allocation_peak::allocation_peak() noexcept : before_(live.load()) { peak.store(before_); }

std::size_t allocation_peak::bytes() const noexcept {
  // What was allocated before the hooks were there may have been freed meanwhile.
  const auto more = static_cast<std::ptrdiff_t>(peak.load() - before_);
  return installed && more > 0 ? static_cast<std::size_t>(more) : 0;
}

}  // namespace fuzz
