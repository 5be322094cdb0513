#pragma once
// What array<T> is underneath: an array whose element type is known at run time. The compiled core works on it.

#include <cstddef>
#include <memory>
#include <optional>
#include <span>

#include <larder/detail/layout.hpp>
#include <larder/element.hpp>
#include <larder/mapped_origin.hpp>

namespace larder::detail {

class buffer;  // src/buffer.hpp

enum class initial { zero, unspecified };

struct raw_array {
  std::shared_ptr<const buffer> owner;  // keeps the bytes alive; null where nothing has to
  std::byte* data = nullptr;            // the element at index (0, 0, …)
  larder::dtype dtype = larder::dtype::u8;
  detail::layout layout;

  std::size_t count() const noexcept { return layout.count(); }
  std::size_t item() const noexcept { return item_size(dtype); }
  std::size_t nbytes() const noexcept { return count() * item(); }
  bool is_row_major() const noexcept { return layout.is_row_major(item()); }
  bool is_column_major() const noexcept { return layout.is_column_major(item()); }
};

/// On the heap, row-major; large ones are page-aligned and use huge pages. std::bad_alloc where there is no memory.
raw_array allocate(dtype type, const extents& shape, initial content);

/// Zeroed, row-major, in shared memory of its own.
raw_array allocate_shared(dtype type, const extents& shape);

/// One dimension of size 0; nothing is allocated.
inline raw_array empty_array(larder::dtype type) noexcept {
  return {nullptr, nullptr, type, layout::empty()};
}

/// A row-major view of memory of others: `bytes` long, else value_error. `owner` lives as long as the array.
raw_array borrow(const void* data, std::size_t bytes, dtype type, const extents& shape,
                 std::shared_ptr<const void> owner);

/// A row-major heap copy.
raw_array copy_of(const raw_array& a);

/// Views on the same bytes; value_error where an index is out of range, layout_error where a view cannot exist.
raw_array sub_view(const raw_array& a, std::size_t index);
raw_array slice_view(const raw_array& a, std::size_t dim, std::size_t start, std::size_t stop,
                     std::size_t step);
raw_array reshape_view(const raw_array& a, const extents& shape);
raw_array transpose_view(const raw_array& a);

/// Element by element; value_error where the shapes differ. The two may overlap.
void assign_elements(const raw_array& to, const raw_array& from);
/// `value` points at one element.
void fill_elements(const raw_array& a, const void* value);

/// Throws the value_error of array::at.
[[noreturn]] void refuse_index(const raw_array& a, std::span<const std::size_t> index);
/// Throws the layout_error of array::flat.
[[noreturn]] void refuse_flat(const raw_array& a);

std::optional<mapped_origin> origin_of(const raw_array& a);

}  // namespace larder::detail
