#pragma once
// The first exception of threads that work together.

#include <atomic>
#include <exception>

namespace larder::detail {

/// `failed_` decides who is the first, and that thread alone writes the exception. It is looked at when none of them runs any more,
/// by someone who has waited for all.
class first_fault {
 public:
  /// In a handler.
  void keep_current() noexcept {
    if (!failed_.exchange(true, std::memory_order_relaxed)) fault_ = std::current_exception();
  }
  void rethrow_if_any() const {
    if (fault_) std::rethrow_exception(fault_);
  }

 private:
  std::atomic<bool> failed_ = false;
  std::exception_ptr fault_;
};

}  // namespace larder::detail
