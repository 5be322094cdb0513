#pragma once
// A name that stands for several functions, as one object that can be passed on.
//
//   auto roots = pool.map(xs, LARDER_FN(std::sqrt));  // std::sqrt alone does not say which of its overloads

/// A callable without state that calls `name` with whatever it is given: overloads are chosen, template
/// arguments deduced and defaults filled in at the call. It can be called exactly where `name(args...)`
/// compiles (so it can be tested with std::is_invocable), returns what that returns, and is noexcept where
/// that is. `name` can be qualified and can carry template arguments: `LARDER_FN(ns::power<3>)`. It names a
/// function or a function template; of a member function take the address, which is callable by itself (its object comes
/// first). Local variables are not captured.
#define LARDER_FN(...)                                                                                    \
  [](auto&&... larder_args) noexcept(noexcept(__VA_ARGS__(static_cast<decltype(larder_args)&&>(           \
      larder_args)...))) -> decltype(__VA_ARGS__(static_cast<decltype(larder_args)&&>(larder_args)...)) { \
    return __VA_ARGS__(static_cast<decltype(larder_args)&&>(larder_args)...);                             \
  }
