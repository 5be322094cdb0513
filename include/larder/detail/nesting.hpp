#pragma once
// How deep values of users' types lie within each other.

#include <algorithm>
#include <utility>

namespace larder::detail {

/// Values of users' types within each other, at most.
inline constexpr unsigned k_deepest_nesting = 256;

/// Counts the values that enclose the one at hand, and the height of what was seen of each: through shared pointers too,
/// since what hangs together is destroyed by recursion, and a vector of shared pointers can hold a long chain that is not
/// deep anywhere.
class nesting {
 public:
  /// Begins a value; gives what `leave` asks for.
  unsigned enter() noexcept {
    ++depth_;
    return begin();
  }
  /// Ends it.
  void leave(unsigned outer) noexcept {
    --depth_;
    ++height_;
    join(outer);
  }
  /// Begins what a pointer points to, whose height is wanted; `join` ends it.
  unsigned begin() noexcept { return std::exchange(height_, 0); }
  /// What is at hand encloses something of this height, too.
  void join(unsigned height) noexcept { height_ = std::max(height_, height); }
  unsigned height() const noexcept { return height_; }

  bool is_too_deep() const noexcept { return std::max(depth_, height_) > k_deepest_nesting; }

 private:
  unsigned depth_ = 0;
  unsigned height_ = 0;
};

}  // namespace larder::detail
