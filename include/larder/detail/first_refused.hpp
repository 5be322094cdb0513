#pragma once
// A question that is asked of a type and of all that it is made of.

#include <concepts>
#include <type_traits>

namespace larder::detail {

/// The types within a type.
template <class... T>
struct types {};

/// The first type within T that a purpose has no use for, as `type`; void where there is none. Purpose::parts_of<T>::type
/// are the types within T; there is none where T itself is refused. `Outer` are the types being looked at: a type may
/// contain itself.
template <class Purpose, class T, class... Outer>
struct first_refused {
  using type = T;
};
template <class Purpose, class T, class... Outer>
  requires(std::same_as<T, Outer> || ...)
struct first_refused<Purpose, T, Outer...> {
  using type = void;
};

template <class Purpose, class Parts, class... Outer>
struct first_refused_of {
  using type = void;
};
template <class Purpose, class First, class... Rest, class... Outer>
struct first_refused_of<Purpose, types<First, Rest...>, Outer...> {
  using of_first = typename first_refused<Purpose, First, Outer...>::type;
  using type = typename std::conditional_t<std::is_void_v<of_first>,
                                           first_refused_of<Purpose, types<Rest...>, Outer...>,
                                           std::type_identity<of_first>>::type;
};
template <class Purpose, class T, class... Outer>
  requires(!(std::same_as<T, Outer> || ...) && requires { typename Purpose::template parts_of<T>::type; })
struct first_refused<Purpose, T, Outer...>
    : first_refused_of<Purpose, typename Purpose::template parts_of<T>::type, T, Outer...> {};

}  // namespace larder::detail
