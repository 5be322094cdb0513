#pragma once
// The signature R(P...) of a callable, and whether it can stand in a cache key.

#include <cstddef>
#include <type_traits>

namespace larder::detail {

template <class F>
struct call_operator;  // of a class with one operator() that is not a template
template <class C, class R, class... P>
struct call_operator<R (C::*)(P...) const> {
  using type = R(P...);
};
template <class C, class R, class... P>
struct call_operator<R (C::*)(P...) const noexcept> {
  using type = R(P...);
};

template <class F>
struct signature;
template <class R, class... P>
struct signature<R (*)(P...)> {
  using type = R(P...);
};
template <class R, class... P>
struct signature<R (*)(P...) noexcept> {
  using type = R(P...);
};
template <class F>
  requires requires { typename call_operator<decltype(&F::operator())>::type; }
struct signature<F> {
  using type = typename call_operator<decltype(&F::operator())>::type;
};

/// Function pointers, and classes with one const operator() that is not a template.
template <class F>
concept has_signature = requires {
  typename signature<F>::type;
};

template <class F>
using signature_of = typename signature<F>::type;

template <class Signature>
struct parameters;
template <class R, class... P>
struct parameters<R(P...)> {
  using result = R;
  static constexpr std::size_t k_count = sizeof...(P);
};

/// Nothing that the result could depend on but code and arguments: no captures, no members.
template <class F>
concept stateless = std::is_empty_v<F> ||
    (std::is_pointer_v<F>&& std::is_function_v<std::remove_pointer_t<F>>);

}  // namespace larder::detail
