#pragma once
// Whether a type has a key of its own: a function hash_append(larder::hasher&, const T&).

#include <concepts>
#include <type_traits>

namespace larder {

class hasher;

namespace detail {

/// Converts to T alone: what takes it was written for T, and neither for a base of T, which would leave out what T adds,
/// nor for something that a T converts to.
template <class T>
struct exactly {
  template <class U>
    requires std::same_as<std::remove_const_t<U>, T>
  operator U&() const noexcept;
};

template <class T>
concept finds_hash_append = (std::is_class_v<T> || std::is_union_v<T> ||
                             std::is_enum_v<T>)&&requires(hasher& h, const T& value) {
  hash_append(h, value);
};
template <class T>
concept has_hash_append = finds_hash_append<T> && requires(hasher& h, const exactly<T>& value) {
  hash_append(h, value);
};

}  // namespace detail
}  // namespace larder
