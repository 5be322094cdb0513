#pragma once
// What is stored as one array, and its erased form.

#include <concepts>
#include <vector>

#include <larder/array.hpp>
#include <larder/element.hpp>

namespace larder::detail {

template <class T>
inline constexpr bool is_element_vector = false;
template <element T, class A>
inline constexpr bool is_element_vector<std::vector<T, A>> =
    !std::same_as<T, bool>;  // that one packs its bits

/// Arrays and vectors of elements: what is stored as one array.
template <class T>
concept array_like = is_array<T> || is_element_vector<T>;

/// A borrowed 1-d array on a vector's elements, as which it is stored and hashed.
template <class T, class A>
raw_array as_raw(const std::vector<T, A>& v) {
  return borrow(v.data(), v.size() * sizeof(T), dtype_of<T>, extents(v.size()), {});
}
template <class T>
const raw_array& as_raw(const array<T>& a) noexcept {
  return array_access::raw(a);
}

}  // namespace larder::detail
