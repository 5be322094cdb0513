#pragma once
// The memory that reading a file may take: load_options::max_bytes.

#include <cstdint>
#include <limits>
#include <string>

namespace larder::detail {

/// Counts what is allocated on a file's word. Not thread-safe.
class memory_budget {
 public:
  memory_budget() = default;
  explicit memory_budget(std::uint64_t limit) noexcept : left_(limit) {}

  /// Before the memory is allocated: format_error (E_BOMB) where there is not as much. `what` reads like "the index".
  void take(const std::string& path, std::uint64_t bytes, const char* what) {
    if (bytes > left_) refuse(path, bytes, what);
    left_ -= bytes;
  }
  /// What was taken and is free again.
  void give(std::uint64_t bytes) noexcept { left_ += bytes; }
  std::uint64_t left() const noexcept { return left_; }

 private:
  [[noreturn]] void refuse(const std::string& path, std::uint64_t bytes, const char* what) const;

  std::uint64_t left_ = std::numeric_limits<std::uint64_t>::max();
};

}  // namespace larder::detail
