#pragma once
// What can be dumped, loaded, hashed and passed to cached functions, and how it is called in files and messages.
//
//   static_assert(larder::storable<std::map<std::string, larder::array<const double>>>);
//   larder::type_text<std::map<std::string, std::vector<int>>>();      // "map<string,array<i32>>"

#include <string>
#include <string_view>

#include <larder/detail/array_like.hpp>
#include <larder/detail/storable_check.hpp>
#include <larder/detail/stored_type.hpp>
#include <larder/detail/type_text.hpp>
#include <larder/hasher.hpp>  // what is unordered is written by its hashes

namespace larder {

/// Arrays, vectors of elements, numbers, bool, char, std::byte, enumerations, std::string; structs with LARDER_FIELDS
/// (fields.hpp) or cereal's `serialize`, and structs that opted in with is_raw; and of storable types: vector,
/// std::array, T[N], pair, tuple, optional, variant, unique_ptr, shared_ptr (not to a base class with virtual
/// functions), map, set, their multi- and unordered kinds; with headers of their own in larder/types/: deque, list,
/// chrono. It looks through all of these, but not into a `serialize`. What is stored has a default constructor.
template <class T>
concept storable = detail::is_storable<T>;

/// The canonical type text, as in files and keys: "array<f64>" for each of array<double>, array<const double> and
/// std::vector<double>; "map<i32,array<f64>>"; a user's type by its type_name.
template <storable T>
const std::string& type_text() {
  return detail::type_text_of<T>();
}

}  // namespace larder
