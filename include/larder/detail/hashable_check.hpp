#pragma once
// Whether a type is hashable, looking through what it is made of; and which type is not, and why.

#include <type_traits>

#include <larder/detail/first_refused.hpp>
#include <larder/detail/hash_append.hpp>
#include <larder/detail/hashed_view.hpp>
#include <larder/detail/storable_check.hpp>

namespace larder::detail {

/// What can be hashed: whatever is storable, and more. Nothing is made anew, so constants are as good as variables, and no default constructor is needed.
struct for_hashes {
  template <class T>
  struct parts_of {};
  template <class T>
  struct parts_of<const T> {
    using type = types<T>;
  };
  template <has_hash_append T>
    requires(!std::is_const_v<T>)
  struct parts_of<T> {
    using type = types<>;
  };
  template <has_hashed_view T>
  struct parts_of<T> {
    using type = typename hashed_view<T>::parts;
  };
  template <class T>
    requires(has_stored<T> && !has_hash_append<T> && !std::is_const_v<T>)
  struct parts_of<T> {
    using type = typename stored<T>::parts;
  };
};

template <class T>
using unhashable_in = typename first_refused<for_hashes, T>::type;

template <class T>
inline constexpr bool is_hashable = !std::is_void_v<T> && std::is_void_v<unhashable_in<T>>;

/// The reasons, one by one, so that the compiler names the one that holds; Type in its message is the culprit.
template <class Type>
constexpr void refuse_unhashable() {
  static_assert(!std::is_reference_v<Type>, "larder: references are not hashed: hash the value");
  static_assert(
      !std::is_pointer_v<Type> && !is_any_function<Type>,
      "larder: where a pointer points is no content, so it cannot be hashed: give the value, a std::span or "
      "a std::string, or use unique_ptr or shared_ptr");
  static_assert(
      !is_pointer_to_base<Type>,
      "larder: a pointer to an array, or to a base class with virtual functions, cannot be hashed: what it "
      "points to would be cut down to the base (use std::variant)");
  static_assert(
      !has_state_in_its_order<Type>,
      "larder: this container's order, hash or equality has state (it is a function pointer, say), which "
      "cannot be hashed: use an empty class with an operator()");
  static_assert(
      !finds_hash_append<Type>,
      "larder: the hash_append for this type is its base's, another type's or a template: write one for the "
      "type itself, as friend void hash_append(larder::hasher&, const T&) inside it");
  static_assert(
      !has_fields_or_inherits<Type> || has_fields<Type>,
      "larder: this class inherits LARDER_FIELDS from its base and needs its own, naming the fields of both");
  static_assert(
      std::is_void_v<Type>,
      "larder: this type cannot be hashed. For a struct of yours, name its members with LARDER_FIELDS(...) "
      "inside it, or write hash_append(larder::hasher&, const T&) for it; for other standard types look in "
      "<larder/types/...>");
}

template <class T>
constexpr void require_hashable() {
  if constexpr (!is_hashable<T>) refuse_unhashable<unhashable_in<T>>();
}

}  // namespace larder::detail
