#include "src/spare_descriptors.hpp"

#include <atomic>
#include <cerrno>

namespace larder::detail {
namespace {

constinit std::atomic<bool (*)() noexcept> closer =
    nullptr;  // by itself: what it closes is guarded where it lies

}  // namespace

void set_spare_descriptors(bool (*close_all)() noexcept) noexcept {
  closer.store(close_all, std::memory_order_relaxed);
}

bool close_spare_descriptors(int fault) noexcept {
  if (fault != EMFILE && fault != ENFILE) return false;
  const auto close_all = closer.load(std::memory_order_relaxed);
  return close_all != nullptr && close_all();
}

}  // namespace larder::detail
