#include <larder/detail/raw_array.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include <larder/error.hpp>

#include "src/buffer.hpp"
#include "src/shape_text.hpp"
#include "src/shared_memory.hpp"
#include "src/strided_copy.hpp"

namespace larder::detail {
namespace {

/// The lowest and one past the highest address that an array reaches.
std::pair<const std::byte*, const std::byte*> reach(const raw_array& a) noexcept {
  const std::byte* low = a.data;
  const std::byte* high = a.data + a.item();
  for (std::size_t d = 0; d < a.layout.rank(); ++d) {
    const std::ptrdiff_t span = static_cast<std::ptrdiff_t>(a.layout.shape()[d] - 1) * a.layout.strides()[d];
    (span < 0 ? low : high) += span;
  }
  return {low, high};
}

void require_dim(const raw_array& a, std::size_t dim, std::string_view what) {
  if (dim < a.layout.rank()) return;
  throw value_error(std::string(what) + ": dimension " + std::to_string(dim) + " of an array of shape " +
                    shape_text(a.layout.shape()));
}

}  // namespace

raw_array allocate(dtype type, const extents& shape, initial content) {
  const std::size_t item = item_size(type);
  const std::size_t bytes = checked_bytes(shape, item);
  if (bytes == 0) return {nullptr, nullptr, type, layout::row_major(shape, item)};
  auto owner = heap_buffer(bytes, content);
  std::byte* data = owner->data();
  return {std::move(owner), data, type, layout::row_major(shape, item)};
}

raw_array allocate_shared(dtype type, const extents& shape) {
  const std::size_t item = item_size(type);
  auto owner = shared_memory(checked_bytes(shape, item));
  std::byte* data = owner->data();
  return {std::move(owner), data, type, layout::row_major(shape, item)};
}

raw_array borrow(const void* data, std::size_t bytes, dtype type, const extents& shape,
                 std::shared_ptr<const void> owner) {
  const std::size_t item = item_size(type);
  if (checked_bytes(shape, item) != bytes) {
    throw value_error("array: " + std::to_string(bytes / item) + " elements do not fill shape " +
                      shape_text(shape.sizes()));
  }
  // Without an owner there is nothing to share, and passing a vector by reference costs no allocation.
  std::shared_ptr<const buffer> kept = owner ? foreign_buffer(data, bytes, std::move(owner)) : nullptr;
  auto* first = const_cast<std::byte*>(static_cast<const std::byte*>(data));  // see foreign_buffer
  return {std::move(kept), first, type, layout::row_major(shape, item)};
}

raw_array copy_of(const raw_array& a) {
  raw_array copy = allocate(a.dtype, extents(a.layout.shape()), initial::unspecified);
  gather(a, 0, a.count(), copy.data);
  return copy;
}

raw_array sub_view(const raw_array& a, std::size_t index) {
  require_dim(a, 0, "sub");
  const auto shape = a.layout.shape();
  const auto strides = a.layout.strides();
  if (index >= shape[0]) refuse_index(a, std::span(&index, 1));
  raw_array view{a.owner, a.data + static_cast<std::ptrdiff_t>(index) * strides[0], a.dtype, {}};
  view.layout = layout(shape.subspan(1), strides.subspan(1));
  return view;
}

raw_array slice_view(const raw_array& a, std::size_t dim, std::size_t start, std::size_t stop,
                     std::size_t step) {
  require_dim(a, dim, "slice");
  if (start > stop || stop > a.layout.shape()[dim] || step == 0) {
    throw value_error("slice: " + std::to_string(start) + " to " + std::to_string(stop) + " by " +
                      std::to_string(step) + " of dimension " + std::to_string(dim) +
                      " of an array of shape " + shape_text(a.layout.shape()) +
                      "; start <= stop <= size and step >= 1 are needed");
  }
  std::array<std::size_t, k_max_rank> shape{};
  std::array<std::ptrdiff_t, k_max_rank> strides{};
  std::ranges::copy(a.layout.shape(), shape.begin());
  std::ranges::copy(a.layout.strides(), strides.begin());
  const std::size_t taken = stop - start;
  shape[dim] = taken / step + (taken % step != 0);
  // An empty slice keeps the first address, which need not exist past the end.
  const std::ptrdiff_t offset = taken == 0 ? 0 : static_cast<std::ptrdiff_t>(start) * strides[dim];
  // With one index or none there is no next one, and a huge step could overflow.
  if (shape[dim] > 1) strides[dim] *= static_cast<std::ptrdiff_t>(step);
  const std::size_t rank = a.layout.rank();
  return {a.owner, a.data + offset, a.dtype,
          layout(std::span(shape).first(rank), std::span(strides).first(rank))};
}

raw_array reshape_view(const raw_array& a, const extents& shape) {
  if (checked_bytes(shape, a.item()) != a.nbytes()) {
    throw value_error("reshape: shape " + shape_text(a.layout.shape()) + " has " + std::to_string(a.count()) +
                      " elements, shape " + shape_text(shape.sizes()) + " has " +
                      std::to_string(shape.count()));
  }
  if (!a.is_row_major()) {
    throw layout_error("reshape: the elements are not contiguous; reshape a.copy() instead");
  }
  return {a.owner, a.data, a.dtype, layout::row_major(shape, a.item())};
}

raw_array transpose_view(const raw_array& a) {
  std::array<std::size_t, k_max_rank> shape{};
  std::array<std::ptrdiff_t, k_max_rank> strides{};
  std::ranges::reverse_copy(a.layout.shape(), shape.begin());
  std::ranges::reverse_copy(a.layout.strides(), strides.begin());
  const std::size_t rank = a.layout.rank();
  return {a.owner, a.data, a.dtype, layout(std::span(shape).first(rank), std::span(strides).first(rank))};
}

void assign_elements(const raw_array& to, const raw_array& from) {
  if (!std::ranges::equal(to.layout.shape(), from.layout.shape())) {
    throw value_error("assign: an array of shape " + shape_text(from.layout.shape()) +
                      " does not fit one of shape " + shape_text(to.layout.shape()));
  }
  if (to.count() == 0) return;
  const auto [to_low, to_high] = reach(to);
  const auto [from_low, from_high] = reach(from);
  const bool apart = to_high <= from_low || from_high <= to_low;
  strided_copy(to, apart ? from : copy_of(from));
}

void fill_elements(const raw_array& a, const void* value) {
  const std::array<std::ptrdiff_t, k_max_rank> still{};
  auto* element = const_cast<std::byte*>(static_cast<const std::byte*>(value));  // only read from
  strided_copy(
      a, {nullptr, element, a.dtype, layout(a.layout.shape(), std::span(still).first(a.layout.rank()))});
}

void refuse_index(const raw_array& a, std::span<const std::size_t> index) {
  throw value_error("array: no element at index " + shape_text(index) + " in shape " +
                    shape_text(a.layout.shape()));
}

void refuse_flat(const raw_array& a) {
  const auto strides = a.layout.strides();
  throw layout_error("flat: the elements of shape " + shape_text(a.layout.shape()) + " and strides " +
                     shape_text(std::vector<std::size_t>(strides.begin(), strides.end())) +
                     " are not contiguous in row-major order; copy first: auto c = a.copy(); c.flat()");
}

std::optional<mapped_origin> origin_of(const raw_array& a) {
  auto origin = a.owner ? a.owner->origin() : std::nullopt;
  if (origin) origin->offset += static_cast<std::uint64_t>(a.data - a.owner->data());
  return origin;
}

}  // namespace larder::detail
