#pragma once
// Views, which are hashed as what they show: std::string_view as a string, std::span as an array or a vector.

#include <concepts>
#include <cstddef>
#include <span>
#include <string_view>
#include <type_traits>

#include <larder/array.hpp>
#include <larder/detail/stored_type.hpp>
#include <larder/detail/value_hasher.hpp>
#include <larder/element.hpp>

namespace larder::detail {

template <class T>
inline constexpr bool is_text_view = std::same_as<T, std::string_view>;
template <class T>
inline constexpr bool is_element_span = false;
template <class T, std::size_t N>
inline constexpr bool is_element_span<std::span<T, N>> = element<std::remove_const_t<T>>;

/// A borrowed 1-d array on the elements, as which they are hashed.
template <class T, std::size_t N>
  requires is_element_span<std::span<T, N>> raw_array as_raw(std::span<T, N> v) {
    return borrow(v.data(), v.size_bytes(), dtype_of<T>, extents(v.size()), {});
  }

template <>
struct hashed_view<std::string_view> {
  using parts = types<>;
  static void save(value_hasher& out, std::string_view v) { out.text(v); }
};

template <class T, std::size_t N>
struct hashed_view<std::span<T, N>> {
  using value = std::remove_cv_t<T>;
  using parts = types<value>;
  static void save(value_hasher& out, std::span<T, N> v) {
    if constexpr (element<value>) {
      out.elements(as_raw(v));
    } else if constexpr (std::same_as<value, char> || std::same_as<value, std::byte>) {
      out.elements(borrow(v.data(), v.size(), dtype::u8, extents(v.size()), {}));
    } else if constexpr (in_runs<value_hasher, value>) {
      out.count(v.size());
      out.run(v.data(), v.size(), sizeof(value));
    } else {
      out.sequence(v, v.size());
    }
  }
};

}  // namespace larder::detail
