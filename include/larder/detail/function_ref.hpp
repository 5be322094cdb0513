#pragma once
// A borrowed callable: two words, no allocation, no <functional>. It is how templates hand their loops to
// compiled code.
//
//   void for_each_batch(function_ref<void(std::size_t, std::size_t)> batch);
//   for_each_batch([&](std::size_t begin, std::size_t end) { ... });

#include <type_traits>

namespace larder::detail {

template <class Signature>
class function_ref;

// A reference to any object but another function_ref (that one is copied) that can be called with this
// signature.
template <class F, class Ref, class Result, bool k_noexcept, class... Args>
concept referable =
    std::is_object_v<std::remove_reference_t<F>> && !std::is_same_v<std::remove_cvref_t<F>, Ref> &&
    std::is_invocable_r_v<Result, std::remove_reference_t<F>&, Args...> &&
    (!k_noexcept || std::is_nothrow_invocable_r_v<Result, std::remove_reference_t<F>&, Args...>);

/// Refers to a callable and does not own it: a parameter type, not a member. The callable has to live as long
/// as this is called, which a lambda written into the call does. With a `noexcept` signature only callables
/// that are noexcept themselves are taken. Calling it concurrently is as safe as calling the callable
/// concurrently.
template <class Result, class... Args, bool k_noexcept>
class function_ref<Result(Args...) noexcept(k_noexcept)> {
 public:
  template <referable<function_ref, Result, k_noexcept, Args...> F>
  // NOLINTNEXTLINE(google-explicit-constructor): a lambda converts by itself
  function_ref(F&& callable) noexcept
      : object_(const_cast<void*>(static_cast<const volatile void*>(__builtin_addressof(callable)))),
        call_([](void* object, Args... args) noexcept(k_noexcept) -> Result {
          return (*static_cast<std::remove_reference_t<F>*>(object))(static_cast<Args&&>(args)...);
        }) {}

  Result operator()(Args... args) const noexcept(k_noexcept) {
    return call_(object_, static_cast<Args&&>(args)...);
  }

 private:
  void* object_;
  Result (*call_)(void* object, Args... args) noexcept(k_noexcept);
};

}  // namespace larder::detail
