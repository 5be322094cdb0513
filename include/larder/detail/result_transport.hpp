#pragma once
// Results of tasks on their way from another process to the one that called.

#include <complex>
#include <cstddef>
#include <optional>
#include <string>
#include <type_traits>

#include <larder/detail/value_sink.hpp>
#include <larder/detail/value_source.hpp>
#include <larder/half.hpp>
#include <larder/storable.hpp>

namespace larder::detail {

/// Takes results, in the process that computed them.
class result_writer {
 public:
  virtual void bytes(const void* data, std::size_t count) = 0;
  virtual value_sink& value() = 0;  // for one value

 protected:
  ~result_writer() = default;
};

/// Gives them back in the same order, in the process that called.
class result_reader {
 public:
  virtual void bytes(void* data, std::size_t count) = 0;
  virtual value_source& value() = 0;  // of one value

 protected:
  ~result_reader() = default;
};

template <class T>
inline constexpr bool goes_as_bytes = std::is_arithmetic_v<T> || std::is_enum_v<T>;
template <class T>
inline constexpr bool goes_as_bytes<std::complex<T>> = std::is_floating_point_v<T>;

/// Whether a result of this type can come from another process.
template <class R>
inline constexpr bool can_travel = std::is_void_v<R> || goes_as_bytes<R> || storable<R>;

template <class R>
  requires can_travel<R>
void write_result(const R& result, result_writer& to) {
  if constexpr (goes_as_bytes<R>) {
    to.bytes(&result, sizeof result);
  } else {
    write_value(result, to.value());
  }
}

template <class R>
  requires can_travel<R>
void read_result(result_reader& from, std::optional<R>& out) {
  if constexpr (goes_as_bytes<R>) {
    from.bytes(&out.emplace(), sizeof(R));
  } else {
    read_value(from.value(), out);
  }
}

}  // namespace larder::detail
