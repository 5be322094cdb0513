#pragma once
// The content hash of values: the same content gives the same digest in every process and on every machine.
//
//   larder::digest d = larder::hash(matrix, 0.5, std::string("ridge"));
//   std::string name = d.hex();

#include <concepts>
#include <string>
#include <string_view>

#include <larder/detail/array_like.hpp>
#include <larder/detail/hash_stream.hpp>
#include <larder/digest.hpp>
#include <larder/element.hpp>

namespace larder {

namespace detail {

template <class T>
concept text_like = std::same_as<T, std::string> || std::same_as<T, std::string_view>;

/// The digest that `dump` stores: of the NPY header and the data, as a tree above 4 MiB. Several threads.
digest hash_array(const raw_array& a);

}  // namespace detail

/// What this version can hash: element types, strings, arrays, and vectors of elements.
template <class T>
concept hashable = element<T> || detail::text_like<T> || detail::array_like<T>;

namespace detail {

template <hashable T>
void hash_into(hash_stream& stream, const T& value) {
  if constexpr (std::same_as<T, bool>) {
    stream.boolean(value);
  } else if constexpr (std::signed_integral<T>) {
    stream.signed_integer(value, sizeof(T));
  } else if constexpr (std::unsigned_integral<T>) {
    stream.unsigned_integer(value, sizeof(T));
  } else if constexpr (complex_element<T>) {
    stream.complex(value);
  } else if constexpr (element<T>) {
    stream.real(value);
  } else if constexpr (text_like<T>) {
    stream.text(value);
  } else {
    stream.array(hash_array(as_raw(value)));
  }
}

}  // namespace detail

/// An array is hashed as it would be dumped, so its digest is the one in its file: Fortran-contiguous arrays in that
/// order, other views as their C-order copy; a vector as a 1-d array. Of several values, their order counts.
/// Thread-safe; large contiguous arrays are hashed by several threads.
template <hashable First, hashable... Rest>
digest hash(const First& first, const Rest&... rest) {
  if constexpr (detail::array_like<First> && sizeof...(Rest) == 0) {
    return detail::hash_array(detail::as_raw(first));
  } else {
    detail::hash_stream stream;
    if constexpr (sizeof...(Rest) > 0) stream.sequence(1 + sizeof...(Rest));
    detail::hash_into(stream, first);
    (detail::hash_into(stream, rest), ...);
    return stream.finish();
  }
}

}  // namespace larder
