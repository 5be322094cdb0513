#include "src/strided_copy.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace larder::detail {
namespace {

template <std::size_t Item>
void copy_items(std::byte* to, std::ptrdiff_t to_stride, const std::byte* from, std::ptrdiff_t from_stride,
                std::size_t count) {
  for (std::size_t i = 0; i < count; ++i, to += to_stride, from += from_stride) std::memcpy(to, from, Item);
}

/// One run of elements.
void copy_run(std::byte* to, std::ptrdiff_t to_stride, const std::byte* from, std::ptrdiff_t from_stride,
              std::size_t count, std::size_t item) {
  const auto dense = static_cast<std::ptrdiff_t>(item);
  if (to_stride == dense && from_stride == dense) {
    std::memcpy(to, from, count * item);
    return;
  }
  switch (item) {
    case 1:
      return copy_items<1>(to, to_stride, from, from_stride, count);
    case 2:
      return copy_items<2>(to, to_stride, from, from_stride, count);
    case 4:
      return copy_items<4>(to, to_stride, from, from_stride, count);
    default:
      return copy_items<8>(to, to_stride, from, from_stride, count);
  }
}

void copy_dimensions(std::byte* to, const std::ptrdiff_t* to_stride, const std::byte* from,
                     const std::ptrdiff_t* from_stride, const std::size_t* shape, std::size_t rank,
                     std::size_t item) {
  if (rank == 1) return copy_run(to, *to_stride, from, *from_stride, *shape, item);
  for (std::size_t i = 0; i < *shape; ++i, to += *to_stride, from += *from_stride) {
    copy_dimensions(to, to_stride + 1, from, from_stride + 1, shape + 1, rank - 1, item);
  }
}

}  // namespace

void gather(const raw_array& a, std::size_t first, std::size_t count, std::byte* out) {
  const std::size_t item = a.item();
  if (count == 0) return;
  if (a.is_row_major()) {
    std::memcpy(out, a.data + first * item, count * item);
    return;
  }
  const auto shape = a.layout.shape();
  const auto strides = a.layout.strides();
  const std::size_t last = shape.size() - 1;  // there is one: without dimensions an array is row-major

  std::array<std::size_t, k_max_rank> index{};
  for (std::size_t d = shape.size(), rest = first; d-- > 0; rest /= shape[d]) index[d] = rest % shape[d];

  while (count > 0) {
    const std::byte* from = a.data;
    for (std::size_t d = 0; d < shape.size(); ++d) from += static_cast<std::ptrdiff_t>(index[d]) * strides[d];
    const std::size_t run = std::min(count, shape[last] - index[last]);
    copy_run(out, static_cast<std::ptrdiff_t>(item), from, strides[last], run, item);
    out += run * item;
    count -= run;
    index[last] += run;
    for (std::size_t d = last; d > 0 && index[d] == shape[d]; --d) {
      index[d] = 0;
      ++index[d - 1];
    }
  }
}

void strided_copy(const raw_array& to, const raw_array& from) {
  const auto shape = to.layout.shape();
  if (to.count() == 0) return;
  if (shape.empty()) {
    std::memcpy(to.data, from.data, to.item());
    return;
  }
  copy_dimensions(to.data, to.layout.strides().data(), from.data, from.layout.strides().data(), shape.data(),
                  shape.size(), to.item());
}

}  // namespace larder::detail
