#pragma once
// How much memory is allocated at most while this lives: what a hostile input makes a reader take. Only the sanitizers can
// tell; without them it is 0.

#include <cstddef>

namespace fuzz {

class allocation_peak {
 public:
  allocation_peak() noexcept;

  /// In bytes, beyond what was allocated at the beginning.
  std::size_t bytes() const noexcept;

 private:
  std::size_t before_;
};

}  // namespace fuzz
