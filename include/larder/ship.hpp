#pragma once
// Which functions can go to the workers of backend::processes, which do not have the memory of the program that calls.
//
//   auto area = larder::ship([](double w, double h) { return w * h; });
//   auto scaled = larder::ship([k](double x) { return k * x; });  // error: what this function captured ...

#include <type_traits>

#include <larder/detail/signature.hpp>
#include <larder/detail/travel.hpp>

namespace larder {

/// Functions and pointers to members; lambdas without captures and other empty classes that can be made from nothing, or copied as
/// bytes; storable function objects; delayed calls and cached functions of all these. (Values that are storable, too.)
template <class F>
concept shippable = detail::can_travel<std::decay_t<F>>;

namespace detail {

template <class F>
constexpr void require_shippable() {
  constexpr bool k_bare = std::is_empty_v<F> && !shippable<F>;
  static_assert(!is_std_function<F>,
                "larder: a std::function hides which function it calls, so it cannot go to another process: "
                "give the function itself");
  static_assert(!k_bare,
                "larder: this function object has no members, but could not be made in another process: "
                "give it a default constructor, or let it be copied trivially");
  static_assert(is_std_function<F> || k_bare || shippable<F>,
                "larder: what this function captured, or has as members, cannot go to another process: "
                "pass it as arguments after the function, or make it a struct with an operator() const and "
                "LARDER_FIELDS(...); or use the backend fork, which takes any function");
}

}  // namespace detail

/// The function itself, if it can go to another process; otherwise the compiler says why not.
template <class F>
constexpr F ship(F f) {
  detail::require_shippable<F>();
  return f;
}

}  // namespace larder
