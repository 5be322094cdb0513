#pragma once
// The content hash of values: the same content gives the same digest in every process and on every machine.
//
//   larder::digest d = larder::hash(matrix, 0.5, std::string("ridge"));
//   std::string name = d.hex();

#include <larder/detail/array_like.hpp>
#include <larder/detail/hash_stream.hpp>
#include <larder/detail/hashable_check.hpp>
#include <larder/detail/value_hasher.hpp>
#include <larder/digest.hpp>
#include <larder/hasher.hpp>
#include <larder/storable.hpp>

namespace larder {

/// Whatever is storable (without needing a default constructor), types with a hash_append of their own (hasher.hpp), views
/// (std::string_view; std::span of hashable elements), and all that is made of these: containers, pairs, optionals,
/// structs with LARDER_FIELDS. String literals and other arrays of char, up to their first zero, hash as the std::string
/// would.
template <class T>
concept hashable = detail::is_hashable<T> || detail::is_character_array<T>;

/// An array is hashed as it would be dumped, so its digest is the one in its file: Fortran-contiguous arrays in that
/// order, other views as their C-order copy; a vector or a span of elements as a 1-d array. Unordered containers hash by their
/// content, whatever their order just now; pointers by what they point to. Of several values, their order counts. The
/// bytes behind it are laid down in docs/format.md, and stay.
/// Thread-safe; large contiguous arrays are hashed by several threads. An array<const T> that is mapped read-only from a
/// sealed file is not read: its digest is in the file, as long as nobody mapped that file read_write (what other
/// programs write into it unasked goes unseen). value_error for pointers that lead in a circle, and values nested more
/// than 256 deep.
template <class First, class... Rest>
digest hash(const First& first, const Rest&... rest) {
  if constexpr ((detail::array_like<First> || detail::is_element_span<First>)&&sizeof...(Rest) == 0) {
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
