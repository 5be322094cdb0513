#include <larder/extents.hpp>

#include <algorithm>
#include <string>

#include <larder/error.hpp>

namespace larder {

extents::extents(std::span<const std::size_t> sizes) : rank_(sizes.size()) {
  if (rank_ > k_max_rank) {
    throw value_error("extents: an array has at most 32 dimensions, not " + std::to_string(rank_));
  }
  std::ranges::transform(sizes, sizes_.begin(), [](std::size_t n) { return checked(n); });
}

std::size_t extents::count() const {
  if (std::ranges::find(sizes(), 0u) != sizes().end()) return 0;
  std::size_t count = 1;
  for (const std::size_t n : sizes()) {
    if (__builtin_mul_overflow(count, n, &count)) {
      throw value_error("extents: the number of elements does not fit 64 bits");
    }
  }
  return count;
}

void extents::refuse_negative(std::intmax_t n) {
  throw value_error("extents: a dimension is at least 0, not " + std::to_string(n));
}

void extents::refuse_large(std::size_t n) {
  throw value_error("extents: a dimension is less than 2^63, not " + std::to_string(n) +
                    ", which as a signed number is " + std::to_string(static_cast<std::intmax_t>(n)));
}

bool operator==(const extents& a, const extents& b) noexcept {
  return std::ranges::equal(a.sizes(), b.sizes());
}

}  // namespace larder
