#pragma once
// The content hash of values: the same content gives the same digest in every process and on every machine.
//
//   larder::digest d = larder::hash(matrix, 0.5, std::string("ridge"));
//   std::string name = d.hex();

#include <concepts>
#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>
#include <type_traits>

#include <larder/detail/array_like.hpp>
#include <larder/detail/hash_stream.hpp>
#include <larder/detail/value_hasher.hpp>
#include <larder/digest.hpp>
#include <larder/storable.hpp>

namespace larder {

namespace detail {

/// Text that is hashed and not stored: views, and literals.
template <class T>
inline constexpr bool is_text_view = std::same_as<T, std::string_view>;
template <class T>
inline constexpr bool is_character_array = false;
template <std::size_t N>
inline constexpr bool is_character_array<char[N]> = true;

}  // namespace detail

/// Whatever is storable, and std::string_view and string literals (arrays of char, up to their first
/// zero), which hash as the std::string would.
template <class T>
concept hashable = storable<T> || detail::is_text_view<T> || detail::is_character_array<T>;

namespace detail {

template <class T>
void hash_into(value_hasher& hasher, const T& value) {
  if constexpr (is_text_view<T>) {
    hasher.text(value);
  } else if constexpr (is_character_array<T>) {
    const std::string_view all(value, std::size(value));
    hasher.text(all.substr(0, all.find('\0')));
  } else {
    hasher.value(value);
  }
}

}  // namespace detail

/// An array is hashed as it would be dumped, so its digest is the one in its file: Fortran-contiguous arrays in that
/// order, other views as their C-order copy; a vector of elements as a 1-d array. Unordered containers hash by their
/// content, whatever their order just now; pointers by what they point to. Of several values, their order counts. The
/// bytes behind it are laid down in docs/format.md, and stay.
/// Thread-safe; large contiguous arrays are hashed by several threads. An array<const T> that is mapped read-only from a
/// sealed file is not read: its digest is in the file, as long as nobody mapped that file read_write (what other
/// programs write into it unasked goes unseen). value_error for pointers that lead in a circle, and values nested more
/// than 256 deep.
template <class First, class... Rest>
digest hash(const First& first, const Rest&... rest) {
  if constexpr (detail::array_like<First> && sizeof...(Rest) == 0) {
    return detail::hash_array(detail::as_raw(first));
  } else {
    detail::hash_stream stream;
    detail::value_hasher hasher(stream);
    if constexpr (sizeof...(Rest) > 0) hasher.count(1 + sizeof...(Rest));
    detail::hash_into(hasher, first);
    (detail::hash_into(hasher, rest), ...);
    return stream.finish();
  }
}

}  // namespace larder
