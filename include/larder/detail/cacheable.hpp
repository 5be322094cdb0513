#pragma once
// Which functions can be cached, with which parameters and results; and why not.

#include <concepts>
#include <cstddef>
#include <functional>
#include <span>
#include <type_traits>

#include <larder/detail/hashable_check.hpp>
#include <larder/detail/signature.hpp>
#include <larder/hash.hpp>
#include <larder/storable.hpp>

namespace larder::detail {

/// By reference or in a view, so that the function can write to what is the caller's.
template <class P>
inline constexpr bool lets_write =
    std::is_lvalue_reference_v<P> && !std::is_const_v<std::remove_reference_t<P>>;
template <class T>
inline constexpr bool is_writable_span = false;
template <class T, std::size_t N>
inline constexpr bool is_writable_span<std::span<T, N>> = !std::is_const_v<T>;

template <class T>
concept function_like = is_std_function<T> || is_function_pointer<T> || std::is_member_pointer_v<T>;
template <class T>
inline constexpr bool is_text_pointer =
    std::is_pointer_v<T>&& std::same_as<std::remove_cv_t<std::remove_pointer_t<T>>, char>;

/// A reference to a base class: what a derived one adds would be missing in the key, and virtual functions see it. A
/// hash_append can see to that.
template <class P>
inline constexpr bool hides_its_type = false;
template <class T>
  requires(std::is_polymorphic_v<T> && !std::is_final_v<T> && !has_hash_append<std::remove_const_t<T>>)
inline constexpr bool hides_its_type<T&> = true;

/// The whole of the argument can be put into a key, and the function leaves it as it is.
template <class P>
concept cacheable_parameter =
    !lets_write<P> && !is_writable_span<std::remove_cvref_t<P>> && !hides_its_type<P> &&
    !is_character_array<std::remove_cvref_t<P>> && hashable<std::remove_cvref_t<P>>;

template <class P>
constexpr void require_parameter() {
  using T = std::remove_cvref_t<P>;
  static_assert(
      !lets_write<P>,
      "larder: a parameter of a cached function is a non-const reference: "
      "what is written to it would not be in the cache. Return it, and take a const reference or a value");
  static_assert(!is_writable_span<T>,
                "larder: a parameter of a cached function is a std::span that can be written to, "
                "which would not be in the cache: take a std::span<const T>");
  static_assert(
      !function_like<T>,
      "larder: a parameter of a cached function is itself a function, whose code cannot be in the key: "
      "cache a function for each, under names of their own");
  static_assert(
      !is_text_pointer<T>,
      "larder: a parameter of a cached function is a char*, of which only the address could be in the key: "
      "take a std::string or a std::string_view");
  static_assert(
      !is_character_array<T>,
      "larder: a parameter of a cached function is an array of char, of which the key would have what comes "
      "before the first zero: take a std::string_view");
  static_assert(
      !std::is_pointer_v<T> || function_like<T> || is_text_pointer<T>,
      "larder: a parameter of a cached function is a pointer, and an address says nothing of what is there: "
      "take the value, an array, a std::span<const T>, a unique_ptr or a shared_ptr");
  static_assert(!hides_its_type<P>,
                "larder: a parameter of a cached function is a reference to a class with virtual functions: "
                "what a derived class adds would not be in the key. "
                "Make the class final, take a std::variant, or write a hash_append that covers all of them");
  if constexpr (!std::is_pointer_v<T> && !function_like<T> && !is_character_array<T>) require_hashable<T>();
}

template <class R>
concept cacheable_result = storable<R>;

template <class R>
constexpr void require_result() {
  static_assert(!std::is_void_v<R>,
                "larder: a function without a result has nothing to cache: "
                "what it does besides would happen once only");
  static_assert(
      !std::is_reference_v<R>,
      "larder: a cached function cannot return a reference: "
      "there is nothing that it could refer to when the result comes from the cache. Return the value");
  static_assert(!std::is_pointer_v<R>,
                "larder: a cached function cannot return a pointer, which means nothing in a file: "
                "return the value, an array, a std::vector, a unique_ptr or a shared_ptr");
  static_assert(!is_view<R>,
                "larder: a cached function cannot return a view, which does not own what it shows: "
                "return a std::string, an array or a std::vector");
  static_assert(
      !std::is_const_v<R>,
      "larder: a cached function's result is const, so it could not be loaded: return it without const");
  constexpr bool k_said =
      std::is_void_v<R> || std::is_reference_v<R> || std::is_pointer_v<R> || is_view<R> || std::is_const_v<R>;
  if constexpr (!k_said) require_storable<R>();
}

/// Its code, and what else it depends on, can be put into a key. The state of a functor is hashed at each call.
template <class F>
concept cacheable_function = stateless<F> ||(std::is_class_v<F>&& hashable<F>);

/// Called on what may not be const, so that it may change.
template <class F, class... P>
inline constexpr bool may_change_itself = std::invocable<F&, P...> && !std::invocable<const F&, P...>;
template <class F, class... P>
  requires std::is_member_function_pointer_v<F>
inline constexpr bool may_change_itself<F, P...> = !member_function<F>::k_const;

template <class F, class R, class... P>
constexpr void require_function() {
  static_assert(!is_std_function<F>,
                "larder: a std::function hides which function it calls, "
                "so neither its code nor its state could be in the key: give the function itself");
  static_assert(!std::is_member_object_pointer_v<F>,
                "larder: a pointer to a data member is no function: give one that returns the member");
  static_assert(
      !may_change_itself<F, P...>,
      "larder: only a function that leaves its object as it is can be cached, and this one may change it: "
      "it is a mutable lambda, or a member function that is not const (or only for what is about to go, &&)");
  static_assert(is_std_function<F> || std::is_member_object_pointer_v<F> || may_change_itself<F, P...> ||
                    cacheable_function<F>,
                "larder: what this function captured, or has as members, cannot be put into the key: "
                "pass it as arguments, or make it a struct with an operator() const, "
                "and LARDER_FIELDS(...) or a hash_append");
  static_assert(is_std_function<F> || may_change_itself<F, P...> || std::is_invocable_r_v<R, const F&, P...>,
                "larder: this function cannot be called with the signature that was named for it");
}

/// Stops the compiler, with a message that names the reason, where a function F cannot be cached as one of this signature.
template <class Signature, class F>
struct cacheable_as;
template <class R, class... P, class F>
struct cacheable_as<R(P...), F> {
  static constexpr void require() {
    require_function<F, R, P...>();
    require_result<R>();
    (require_parameter<P>(), ...);
  }
};
template <class Signature, class F>
constexpr void require_cacheable() {
  cacheable_as<Signature, F>::require();
}

/// The same where no signature was named, and F shows none.
template <class F>
constexpr void require_signature() {
  static_assert(!std::is_member_object_pointer_v<F>,
                "larder: a pointer to a data member is no function: give one that returns the member");
  static_assert(std::is_member_object_pointer_v<F> || std::is_class_v<F>,
                "larder: this is no function, nor anything else that can be called");
  static_assert(!std::is_class_v<F> || has_signature<F>,
                "larder: this callable is overloaded or generic: "
                "name the signature to cache it with, as in mem.cache<R(P...)>(name, f)");
}

}  // namespace larder::detail
