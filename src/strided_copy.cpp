#include "src/strided_copy.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <span>

namespace larder::detail {
namespace {

/// A box of elements and where each of them comes from and goes to.
struct move_plan {
  std::size_t rank = 0;
  std::array<std::size_t, k_max_rank> shape;
  std::array<std::ptrdiff_t, k_max_rank> to;
  std::array<std::ptrdiff_t, k_max_rank> from;

  void add(std::size_t size, std::ptrdiff_t to_stride, std::ptrdiff_t from_stride) noexcept {
    shape[rank] = size;
    to[rank] = to_stride;
    from[rank] = from_stride;
    ++rank;
  }
};

template <std::size_t Item>
void copy_row(std::byte* to, std::ptrdiff_t to_stride, const std::byte* from, std::ptrdiff_t from_stride,
              std::size_t count) noexcept {
  for (std::size_t i = 0; i < count; ++i, to += to_stride, from += from_stride) std::memcpy(to, from, Item);
}

/// Where neighbours in `from` are far apart in `to`: goes through squares of a few cache lines, so that a line is whole
/// before it leaves the cache. Dimension 0 of the two is the one in which `from` is dense, 1 that of `to`.
template <std::size_t Item>
void copy_transposed(std::byte* to, const std::ptrdiff_t* to_stride, const std::byte* from,
                     const std::ptrdiff_t* from_stride, const std::size_t* shape) noexcept {
  constexpr std::size_t k_tile = 64 / Item < 8 ? 8 : 64 / Item;
  for (std::size_t i = 0; i < shape[0]; i += k_tile) {
    const std::size_t i_end = std::min(shape[0], i + k_tile);
    for (std::size_t j = 0; j < shape[1]; j += k_tile) {
      const std::size_t count = std::min(k_tile, shape[1] - j);
      for (std::size_t k = i; k < i_end; ++k) {
        copy_row<Item>(to + static_cast<std::ptrdiff_t>(k) * to_stride[0] +
                           static_cast<std::ptrdiff_t>(j) * to_stride[1],
                       to_stride[1],
                       from + static_cast<std::ptrdiff_t>(k) * from_stride[0] +
                           static_cast<std::ptrdiff_t>(j) * from_stride[1],
                       from_stride[1], count);
      }
    }
  }
}

template <std::size_t Item>
void copy_plan(std::byte* to, const std::byte* from, const move_plan& plan, std::size_t dim,
               bool transposed) noexcept {
  const std::size_t left = plan.rank - dim;
  if (left == 2 && transposed) {
    return copy_transposed<Item>(to, &plan.to[dim], from, &plan.from[dim], &plan.shape[dim]);
  }
  if (left == 1) {
    constexpr auto k_dense = static_cast<std::ptrdiff_t>(Item);
    if (plan.to[dim] == k_dense && plan.from[dim] == k_dense) {
      std::memcpy(to, from, plan.shape[dim] * Item);
    } else {
      copy_row<Item>(to, plan.to[dim], from, plan.from[dim], plan.shape[dim]);
    }
    return;
  }
  for (std::size_t i = 0; i < plan.shape[dim]; ++i, to += plan.to[dim], from += plan.from[dim]) {
    copy_plan<Item>(to, from, plan, dim + 1, transposed);
  }
}

/// Carries out a plan of at least one element: in the order of the addresses at `to`, dimensions that are one in
/// memory as one.
void run(std::byte* to, const std::byte* from, const move_plan& given, std::size_t item) noexcept {
  std::array<std::size_t, k_max_rank> order;
  const auto by_address = std::span(order).first(given.rank);
  std::iota(by_address.begin(), by_address.end(), 0U);
  std::ranges::sort(by_address, [&](std::size_t a, std::size_t b) {
    return given.to[a] != given.to[b] ? given.to[a] > given.to[b] : a < b;
  });

  move_plan plan;
  for (const std::size_t d : by_address) {
    const auto size = static_cast<std::ptrdiff_t>(given.shape[d]);
    if (size == 1) continue;
    const std::size_t last = plan.rank - 1;
    if (plan.rank > 0 && plan.to[last] == size * given.to[d] && plan.from[last] == size * given.from[d]) {
      plan.shape[last] *= given.shape[d];
      plan.to[last] = given.to[d];
      plan.from[last] = given.from[d];
    } else {
      plan.add(given.shape[d], given.to[d], given.from[d]);
    }
  }
  if (plan.rank == 0) plan.add(1, 0, 0);

  // The dimension in which `from` is densest comes next to the innermost, and the two are gone through in tiles.
  // (A stride of 0 there, an element that is repeated, is as good in any place.)
  const std::size_t last = plan.rank - 1;
  std::size_t densest = last;
  for (std::size_t d = 0; d < last; ++d) {
    if (plan.from[d] != 0 && plan.from[d] < plan.from[densest]) densest = d;
  }
  const bool transposed = densest != last;
  if (transposed) {
    for (auto* part : {&plan.to, &plan.from}) {
      std::rotate(part->begin() + densest, part->begin() + densest + 1, part->begin() + last);
    }
    std::rotate(plan.shape.begin() + densest, plan.shape.begin() + densest + 1, plan.shape.begin() + last);
  }

  switch (item) {
    case 1:
      return copy_plan<1>(to, from, plan, 0, transposed);
    case 2:
      return copy_plan<2>(to, from, plan, 0, transposed);
    case 4:
      return copy_plan<4>(to, from, plan, 0, transposed);
    case 8:
      return copy_plan<8>(to, from, plan, 0, transposed);
    default:
      return copy_plan<16>(to, from, plan, 0, transposed);
  }
}

/// Elements first … first + count - 1 of the dimensions from `dim` on: the rest of the first index, a box, and the
/// beginning of the last.
void gather_from(const raw_array& a, std::size_t dim, const std::byte* from, std::size_t first,
                 std::size_t count, std::byte* out) {
  if (count == 0) return;
  const std::size_t item = a.item();
  const auto shape = a.layout.shape();
  const auto strides = a.layout.strides();
  std::size_t inner = 1;
  for (std::size_t d = dim + 1; d < shape.size(); ++d) inner *= shape[d];

  if (const std::size_t begun = first % inner; begun != 0) {
    const std::size_t n = std::min(count, inner - begun);
    gather_from(a, dim + 1, from + static_cast<std::ptrdiff_t>(first / inner) * strides[dim], begun, n, out);
    first += n;
    count -= n;
    out += n * item;
  }
  from += static_cast<std::ptrdiff_t>(first / inner) * strides[dim];
  if (const std::size_t whole = count / inner; whole > 0) {
    move_plan plan;
    auto to_stride = static_cast<std::ptrdiff_t>(item);
    for (std::size_t d = shape.size(); d-- > dim;) {
      const std::size_t size = d == dim ? whole : shape[d];
      plan.add(size, to_stride, strides[d]);
      to_stride *= static_cast<std::ptrdiff_t>(size);
    }
    run(out, from, plan, item);
    from += static_cast<std::ptrdiff_t>(whole) * strides[dim];
    out += whole * inner * item;
  }
  if (count % inner > 0) gather_from(a, dim + 1, from, 0, count % inner, out);
}

}  // namespace

void gather(const raw_array& a, std::size_t first, std::size_t count, std::byte* out) {
  if (count == 0) return;
  if (a.is_row_major()) {
    std::memcpy(out, a.data + first * a.item(), count * a.item());
    return;
  }
  gather_from(a, 0, a.data, first, count, out);  // there is a dimension: without any an array is row-major
}

void strided_copy(const raw_array& to, const raw_array& from) {
  if (to.count() == 0) return;
  move_plan plan;
  for (std::size_t d = 0; d < to.layout.rank(); ++d) {
    plan.add(to.layout.shape()[d], to.layout.strides()[d], from.layout.strides()[d]);
  }
  run(to.data, from.data, plan, to.item());
}

}  // namespace larder::detail
