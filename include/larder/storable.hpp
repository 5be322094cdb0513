#pragma once
// What can be dumped, loaded and returned by a cached function, and how it is called in files and messages.

#include <string>

#include <larder/detail/array_like.hpp>
#include <larder/element.hpp>

namespace larder {

/// array<T>, array<const T>, and std::vector of an element type, which is stored as a 1-d array. (Objects are not
/// storable in this version.)
template <class T>
concept storable = detail::array_like<T>;

/// The canonical type text, as in files and keys: "array<f64>" for each of array<double>, array<const double> and
/// std::vector<double>.
template <storable T>
std::string type_text() {
  return type_text(dtype_of<typename T::value_type>);
}

}  // namespace larder
