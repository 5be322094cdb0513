#pragma once
// A handle on elements in memory or in a mapped file, with a shape. Copying a handle copies no data.
//
//   larder::array<double> a({1000, 64});               // zeroed, row-major
//   a(3, 5) = 1.5;
//   larder::array<const double> first = a.slice(0, 0, 10);   // a read-only view of ten rows; it shares the data

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <larder/detail/raw_array.hpp>
#include <larder/element.hpp>
#include <larder/extents.hpp>
#include <larder/mapped_origin.hpp>
#include <larder/view.hpp>

namespace larder {

namespace detail {
struct array_access;
}

/// Shares ownership of its elements with every copy and view of itself; they live as long as the last of them.
///
/// Constness is shallow, as with std::span: a `const array<double>` writes, an `array<const double>` does not, and
/// there is no way from the second to a `double*`.
///
/// An array on the heap that is passed to worker processes (parallel.hpp) is moved to shared memory, at the same addresses; from then on
/// children of fork share it, and do not have copies of their own.
///
/// Thread-safety: as for a shared_ptr and a span. Distinct handles may be used from distinct threads; elements
/// are plain memory, so two threads must not write (or write and read) the same element unsynchronised.
template <class T>
  requires element<std::remove_const_t<T>>
class array {
 public:
  using element_type = T;
  using value_type = std::remove_const_t<T>;

  /// One dimension of size 0.
  array() noexcept : array(erased{}, detail::empty_array(dtype_of<T>)) {}

  /// Zeroed, row-major, on the heap. value_error for a shape that does not fit memory addresses, std::bad_alloc where
  /// there is no memory.
  /// (A template with a default, so that array<T>({5}) can only mean a shape.)
  template <std::same_as<extents> Shape = extents>
    requires(!std::is_const_v<T>)
  explicit array(const Shape& shape)
      : array(erased{}, detail::allocate(dtype_of<T>, shape, detail::initial::zero)) {}

  /// As above, but the elements hold whatever the memory held.
  static array uninitialized(const extents& shape) requires(!std::is_const_v<T>) {
    return array(erased{}, detail::allocate(dtype_of<T>, shape, detail::initial::unspecified));
  }

  /// Zeroed, row-major, in anonymous shared memory: what this process and its children of fork write there they all
  /// see, and so do workers that it is passed to, or the caller of one that returns it. It goes when the last of them is
  /// done with it. io_error where the system refuses. As on the heap, memory is taken when it is first touched.
  static array shared(const extents& shape) requires(!std::is_const_v<T>) {
    return array(erased{}, detail::allocate_shared(dtype_of<T>, shape));
  }

  /// Takes over a vector's elements without a copy. value_error where their number does not match the shape.
  /// (Not of bools: a std::vector of them has no elements in memory.)
  static array adopt(std::vector<value_type>&& elements,
                     const extents& shape) requires(!std::same_as<value_type, bool>) {
    // Once before the move, so that a wrong shape leaves the vector as it is.
    detail::borrow(elements.data(), elements.size() * sizeof(T), dtype_of<T>, shape, {});
    auto kept = std::make_shared<std::vector<value_type>>(std::move(elements));
    return array(erased{}, detail::borrow(kept->data(), kept->size() * sizeof(T), dtype_of<T>, shape,
                                          std::shared_ptr<void>(kept)));
  }

  /// A view of memory that belongs to others: it must stay valid while the array or a view of it lives, which
  /// `owner`, if given, is kept alive to ensure. value_error where the size does not match the shape.
  static array borrow(std::span<T> elements, const extents& shape, std::shared_ptr<const void> owner = {}) {
    // One who owns nothing, where there is none: arrays without an owner are the elements of a vector, on its way as one.
    if (!owner) owner = std::shared_ptr<const void>(std::shared_ptr<const void>(), elements.data());
    return array(erased{}, detail::borrow(elements.data(), elements.size_bytes(), dtype_of<T>, shape,
                                          std::move(owner)));
  }

  /// A copy of memory that belongs to others. value_error where the size does not match the shape, std::bad_alloc.
  static array from(std::span<const value_type> elements, const extents& shape) {
    return array(erased{}, detail::copy_of(detail::borrow(elements.data(), elements.size_bytes(), dtype_of<T>,
                                                          shape, {})));
  }

  array(const array&) = default;
  /// A moved-from array is as a default-constructed one.
  array(array&& other) noexcept : raw_(std::exchange(other.raw_, detail::empty_array(dtype_of<T>))) {}
  /// Assigning makes this handle another one, so it is for named arrays only; a.slice(…).assign(b) copies elements.
  array& operator=(const array&) & = default;
  array& operator=(array&& other) & noexcept {
    raw_ = std::exchange(other.raw_, detail::empty_array(dtype_of<T>));
    return *this;
  }
  ~array() = default;

  /// An array<U> is an array<const U>; never the other way.
  template <class U>
    requires(std::same_as<T, const U> && !std::is_const_v<U>)
  array(const array<U>& other) : raw_(other.raw_) {}
  template <class U>
    requires(std::same_as<T, const U> && !std::is_const_v<U>)
  array(array<U>&& other)
  noexcept : raw_(std::exchange(other.raw_, detail::empty_array(dtype_of<T>))) {}

  /// The element at an index of ndim() numbers, each below shape(d). Unchecked, as with std::span; `at` checks.
  template <std::integral... I>
  T& operator()(I... index) const noexcept {
    return *reinterpret_cast<T*>(raw_.data + raw_.layout.offset_of(std::array<std::size_t, sizeof...(I)>{
                                                 static_cast<std::size_t>(index)...}));
  }

  /// The same, with a value_error for a wrong number of indices or one out of range.
  template <std::integral... I>
  T& at(I... index) const {
    const std::array<std::size_t, sizeof...(I)> at{static_cast<std::size_t>(index)...};
    const auto sizes = shape();
    bool inside = sizes.size() == at.size();
    for (std::size_t d = 0; inside && d < at.size(); ++d) inside = at[d] < sizes[d];
    if (!inside) detail::refuse_index(raw_, at);
    return (*this)(index...);
  }

  /// The first element; the others follow by strides().
  T* data() const noexcept { return reinterpret_cast<T*>(raw_.data); }

  std::size_t size() const noexcept { return raw_.count(); }
  std::size_t ndim() const noexcept { return raw_.layout.rank(); }
  std::size_t nbytes() const noexcept { return raw_.nbytes(); }
  std::span<const std::size_t> shape() const noexcept { return raw_.layout.shape(); }
  /// `dim` < ndim().
  std::size_t shape(std::size_t dim) const noexcept { return raw_.layout.shape()[dim]; }
  /// In bytes, one per dimension.
  std::span<const std::ptrdiff_t> strides() const noexcept { return raw_.layout.strides(); }

  /// Whether the elements lie without gaps in row-major (C) order.
  bool is_contiguous() const noexcept { return raw_.is_row_major(); }

  /// All elements in order; the span does not keep them alive. layout_error unless is_contiguous(): then copy first,
  /// as in `auto c = a.copy(); c.flat()`.
  std::span<T> flat() const {
    if (!is_contiguous()) detail::refuse_flat(raw_);
    return {data(), size()};
  }

  /// Whether the elements lie in a mapped file or in shared memory, and where.
  bool is_mapped() const { return origin().has_value(); }
  std::optional<mapped_origin> origin() const { return detail::origin_of(raw_); }

  // Views: they share the elements. value_error for an index out of range.

  /// The sub-array at `index` of the first dimension.
  array sub(std::size_t index) const { return array(erased{}, detail::sub_view(raw_, index)); }
  /// Every `step`-th of the indices start … stop - 1 of dimension `dim`; start <= stop <= shape(dim), step >= 1.
  array slice(std::size_t dim, std::size_t start, std::size_t stop, std::size_t step = 1) const {
    return array(erased{}, detail::slice_view(raw_, dim, start, stop, step));
  }
  /// The same elements in the same order under another shape: value_error where the number of elements differs,
  /// layout_error unless is_contiguous().
  array reshape(const extents& shape) const { return array(erased{}, detail::reshape_view(raw_, shape)); }
  /// The dimensions in reverse.
  array transpose() const { return array(erased{}, detail::transpose_view(raw_)); }
  /// For inner loops: pointer, sizes and strides in registers. layout_error unless ndim() == Rank and, with
  /// inner::contiguous, neighbours along the last dimension are neighbours in memory: view.hpp says which to use when.
  /// The view does not keep the elements alive.
  template <std::size_t Rank, inner Inner = inner::any>
  array_view<T, Rank, Inner> view() const {
    return array_view<T, Rank, Inner>(data(), shape(), strides());
  }

  /// A row-major copy on the heap. std::bad_alloc.
  array<value_type> copy() const { return {typename array<value_type>::erased{}, detail::copy_of(raw_)}; }

  void fill(const value_type& value) const requires(!std::is_const_v<T>) {
    if (is_contiguous()) {
      std::fill_n(data(), size(), value);
    } else {
      detail::fill_elements(raw_, &value);
    }
  }

  /// Copies the elements of `from`, which may overlap these. value_error where the shapes differ.
  void assign(const array<const value_type>& from) const requires(!std::is_const_v<T>) {
    detail::assign_elements(raw_, from.raw_);
  }

 private:
  template <class U>
    requires element<std::remove_const_t<U>>
  friend class array;
  friend struct detail::array_access;

  // Tagged, so that no shape, like {0, 0}, can be taken for a raw_array.
  struct erased {};
  array(erased, detail::raw_array raw) : raw_(std::move(raw)) {}

  detail::raw_array raw_;
};

namespace detail {

/// For the library's own templates: in and out of the erased form.
struct array_access {
  template <class T>
  static const raw_array& raw(const array<T>& a) noexcept {
    return a.raw_;
  }
  /// `raw` has T's dtype, and bytes that T may write to.
  template <class T>
  static array<T> wrap(raw_array raw) {
    return array<T>(typename array<T>::erased{}, std::move(raw));
  }
};

template <class T>
inline constexpr bool is_array = false;
template <class T>
inline constexpr bool is_array<array<T>> = true;

}  // namespace detail

}  // namespace larder
