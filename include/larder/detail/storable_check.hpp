#pragma once
// Whether a type is storable, looking through what it is made of; and which type is not, and why.

#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>

#include <larder/detail/first_refused.hpp>
#include <larder/detail/stored_type.hpp>

namespace larder::detail {

template <class T>
concept has_stored = requires {
  typename stored<T>::parts;
};

/// What files can hold: loading fills in a value that is there already.
struct for_files {
  template <class T>
  struct parts_of {};
  template <class T>
    requires(has_stored<T> && (!has_fields<T> || std::is_default_constructible_v<T>))
  struct parts_of<T> {
    using type = typename stored<T>::parts;
  };
};

template <class T>
using unstorable_in = typename first_refused<for_files, T>::type;

template <class T>
inline constexpr bool is_storable = !std::is_void_v<T> && std::is_void_v<unstorable_in<T>>;

template <class T>
inline constexpr bool is_pointer_to_base = false;
template <class T>
  requires(!pointee<T>)
inline constexpr bool is_pointer_to_base<std::unique_ptr<T>> = true;
template <class T>
  requires(!pointee<T>)
inline constexpr bool is_pointer_to_base<std::shared_ptr<T>> = true;
template <class T>
inline constexpr bool is_view = std::same_as<T, std::string_view>;
template <class T, std::size_t N>
inline constexpr bool is_view<std::span<T, N>> = true;
/// A set or map whose order, hash or equality could not be made anew.
template <class T>
concept has_state_in_its_order = requires {
  typename T::key_compare;
  requires !remade<typename T::key_compare>;
}
|| requires {
  typename T::hasher;
  requires !(remade<typename T::hasher> && remade<typename T::key_equal>);
};
template <class T>
inline constexpr bool is_any_function = std::is_function_v<T> || std::is_member_pointer_v<T>;

/// The reasons, one by one, so that the compiler names the one that holds; Type in its message is the culprit.
template <class Type>
constexpr void refuse_unstorable() {
  static_assert(!std::is_const_v<Type>,
                "larder: a const member cannot be loaded: leave it out, or make it not const");
  static_assert(!std::is_reference_v<Type>, "larder: references cannot be stored: store the value");
  static_assert(!std::is_pointer_v<Type> && !is_any_function<Type>,
                "larder: pointers mean nothing in a file: store the value, or use unique_ptr or shared_ptr");
  static_assert(!is_pointer_to_base<Type>,
                "larder: a pointer to an array, or to a base class with virtual functions, cannot be stored: "
                "what it points to would be cut down to the base (use std::variant)");
  static_assert(!is_view<Type>,
                "larder: a view does not own what it shows, so it cannot be loaded: use std::string or "
                "std::vector");
  static_assert(
      !has_state_in_its_order<Type>,
      "larder: this container's order, hash or equality has state (it is a function pointer, say), which a "
      "loaded container would lack: use an empty class with an operator()");
  static_assert(
      !has_fields_or_inherits<Type> || has_fields<Type>,
      "larder: this class inherits LARDER_FIELDS from its base and needs its own, naming the fields of both");
  static_assert(std::is_void_v<Type> || std::is_default_constructible_v<Type>,
                "larder: a stored type needs a default constructor: loading fills in a value that is there");
  static_assert(
      std::is_void_v<Type>,
      "larder: this type cannot be stored. For a struct of yours, name its members with LARDER_FIELDS(...) "
      "inside it, or write cereal's serialize for it; for other standard types look in <larder/types/...>");
}

template <class T>
constexpr void require_storable() {
  if constexpr (!is_storable<T>) refuse_unstorable<unstorable_in<T>>();
}

}  // namespace larder::detail
