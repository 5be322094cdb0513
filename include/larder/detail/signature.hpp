#pragma once
// The signature R(P...) of a callable.

#include <concepts>
#include <cstddef>
#include <functional>
#include <type_traits>

namespace larder::detail {

/// A member function's type: called on its object, and as a function of it. Whether it takes a const one (that stays:
/// const && does not).
template <class C, class R, bool Const, class... P>
struct member_signature {
  using on_object = R(P...);
  using of_object = R(const C&, P...);
  static constexpr bool k_const = Const;
};
template <class F>
struct member_function;
template <class C, class R, class... P, bool N>
struct member_function<R (C::*)(P...) noexcept(N)> : member_signature<C, R, false, P...> {};
template <class C, class R, class... P, bool N>
struct member_function<R (C::*)(P...)& noexcept(N)> : member_signature<C, R, false, P...> {};
template <class C, class R, class... P, bool N>
struct member_function<R (C::*)(P...)&& noexcept(N)> : member_signature<C, R, false, P...> {};
template <class C, class R, class... P, bool N>
struct member_function<R (C::*)(P...) const noexcept(N)> : member_signature<C, R, true, P...> {};
template <class C, class R, class... P, bool N>
struct member_function<R (C::*)(P...) const& noexcept(N)> : member_signature<C, R, true, P...> {};
template <class C, class R, class... P, bool N>
struct member_function<R (C::*)(P...) const&& noexcept(N)> : member_signature<C, R, false, P...> {};

template <class F>
struct signature;
template <class R, class... P, bool N>
struct signature<R (*)(P...) noexcept(N)> {
  using type = R(P...);
};
template <class F>
  requires std::is_member_function_pointer_v<F>
struct signature<F> {
  using type = typename member_function<F>::of_object;
};
template <class F>
  requires requires { typename member_function<decltype(&F::operator())>::on_object; }
struct signature<F> {
  using type = typename member_function<decltype(&F::operator())>::on_object;
};

/// Function pointers; member functions, as functions of const C& first; and classes with one operator() that is not a
/// template. (Not all of them can be cached: cacheable.hpp.)
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

template <class F>
inline constexpr bool is_function_pointer =
    std::is_pointer_v<F>&& std::is_function_v<std::remove_pointer_t<F>>;

template <class T>
inline constexpr bool is_std_function = false;
template <class Signature>
inline constexpr bool is_std_function<std::function<Signature>> = true;

/// Nothing that the result could depend on but code and arguments: no captures, no members.
template <class F>
concept stateless = std::is_empty_v<F> || is_function_pointer<F> || std::is_member_function_pointer_v<F>;

}  // namespace larder::detail
