#pragma once
// A value on its way to a file: what dump and the cache have in common.

#include <cstdint>
#include <span>
#include <string_view>

#include <larder/detail/array_like.hpp>
#include <larder/detail/object_writer.hpp>
#include <larder/storable.hpp>

namespace larder::detail {

/// An object that was taken apart.
struct object_parts {
  std::string_view type;
  std::uint32_t schema;
  std::string_view bytes;  // of the object segment
  std::span<const raw_array> arrays;
};

/// Takes one value.
class value_sink {
 public:
  virtual void array(const raw_array& a) = 0;
  virtual void object(const object_parts& object) = 0;

 protected:
  ~value_sink() = default;
};

template <storable T>
void write_value(const T& value, value_sink& to) {
  if constexpr (array_like<T>) {
    to.array(as_raw(value));
  } else {
    object_writer writer(type_text<T>());
    writer(value);
    to.object({type_text<T>(), schema<T>(), writer.bytes(), writer.arrays()});
  }
}

}  // namespace larder::detail
