#pragma once
// A file that is open to be loaded from: what load and the cache have in common.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

#include <larder/detail/array_like.hpp>
#include <larder/detail/object_reader.hpp>
#include <larder/storable.hpp>

namespace larder::detail {

/// One value, whose structure was checked. format_error, type_mismatch, layout_error, io_error.
class value_source {
 public:
  virtual ~value_source() = default;

  /// The array that the value is.
  virtual raw_array array(dtype expected, result_kind wanted) = 0;
  /// The same, copied to a vector.
  virtual void elements(dtype expected, const placement& place) = 0;
  /// The object that it is; lives as long as this.
  virtual object_source& object(std::string_view type, std::uint32_t schema) = 0;

 protected:
  value_source() = default;
  value_source(const value_source&) = default;
  value_source& operator=(const value_source&) = default;
};

template <array_like T>
constexpr result_kind result_kind_of() {
  if constexpr (!is_array<T>) {
    return result_kind::vector;
  } else {
    return std::is_const_v<typename T::element_type> ? result_kind::read_only_array
                                                     : result_kind::writable_array;
  }
}

/// Loads the value to `out`, which holds nothing yet.
template <storable T>
void read_value(value_source& from, std::optional<T>& out) {
  if constexpr (is_array<T>) {
    using element_type = typename T::element_type;
    out.emplace(array_access::wrap<element_type>(from.array(dtype_of<element_type>, result_kind_of<T>())));
  } else if constexpr (array_like<T>) {
    out.emplace();
    const auto resize = [&out](std::size_t count) { return resized(*out, count); };
    from.elements(dtype_of<typename T::value_type>, placement(resize));
  } else {
    object_reader reader(from.object(type_text<T>(), schema<T>()));
    reader(out.emplace());
    reader.finish();
  }
}

}  // namespace larder::detail
