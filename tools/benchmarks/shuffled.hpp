#pragma once

#include <cstddef>
#include <cstdint>

namespace larder_bench {

/// The numbers below n, in an order without a pattern, over and over.
class shuffled {
 public:
  explicit shuffled(std::size_t n) : n_(n) {}
  int next() {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return static_cast<int>((state_ >> 33) % n_);
  }

 private:
  std::uint64_t n_;
  std::uint64_t state_ = 1;
};

}  // namespace larder_bench
