#pragma once
// How a user's function is called in a task: as std::invoke does it, but in the place of an object_ref it is given the object.

#include <concepts>
#include <functional>
#include <type_traits>
#include <utility>

#include <larder/detail/travel.hpp>
#include <larder/object_ref.hpp>

namespace larder::detail {

template <class T>
inline constexpr bool is_object_ref = false;
template <class T>
inline constexpr bool is_object_ref<object_ref<T>> = true;

/// Whether one of these arguments is.
template <class... Args>
inline constexpr bool has_object_ref = (is_object_ref<std::remove_cvref_t<Args>> || ...);

template <class T>
inline constexpr bool is_unchangeable<object_ref<T>> = true;

/// As what an argument arrives that is passed as an `Arg`: the object of a reference to one, which nobody would see changed, so it is
/// const unless the reference is given away; anything else as itself.
template <class Arg>
struct arriving {
  using type = Arg&&;
};
template <class Arg>
  requires is_object_ref<std::remove_cvref_t<Arg>>
struct arriving<Arg> {
  using object = typename read_only_type<typename std::remove_cvref_t<Arg>::value_type>::type;
  using type = std::conditional_t<std::is_lvalue_reference_v<Arg>, const object&, object&&>;
};
template <class Arg>
using arriving_t = typename arriving<Arg>::type;

/// The object of a reference, loaded now: what object_ref::get throws. Anything else as it was passed.
template <class Arg>
decltype(auto) arrive(Arg&& arg) {
  if constexpr (is_object_ref<std::remove_cvref_t<Arg>>) {
    return arg.template get<typename arriving<Arg>::object>();
  } else {
    return std::forward<Arg>(arg);
  }
}

/// There are references among the arguments, and f can be called with their objects.
template <class F, class... Args>
concept takes_objects = has_object_ref<Args...> && std::invocable<F, arriving_t<Args>...>;

/// f can be called with the objects, or else, as one that asks for references, with the arguments as they are.
template <class F, class... Args>
concept task_invocable = takes_objects<F, Args...> || std::invocable<F, Args...>;

/// What f returns then, and what task_invoke does: no reference where it has loaded an object, in which that might lie.
template <class F, class... Args>
struct task_invocation {
  using returned = std::invoke_result_t<F, Args...>;
  using result = returned;
};
template <class F, class... Args>
  requires takes_objects<F, Args...>
struct task_invocation<F, Args...> {
  using returned = std::invoke_result_t<F, arriving_t<Args>...>;
  using result = std::remove_cvref_t<returned>;
};
template <class F, class... Args>
using task_invoke_result_t = typename task_invocation<F, Args...>::result;

/// Objects are loaded, and live until f has returned. What object_ref::get throws passes through.
template <class F, class... Args>
task_invoke_result_t<F, Args...> task_invoke(F&& f, Args&&... args) {
  if constexpr (takes_objects<F, Args...>) {
    return std::invoke(std::forward<F>(f),
                       static_cast<arriving_t<Args>>(arrive(std::forward<Args>(args)))...);
  } else {
    return std::invoke(std::forward<F>(f), std::forward<Args>(args)...);
  }
}

}  // namespace larder::detail
