#pragma once
// A call to be made later, as joblib's delayed.
//
//   std::vector tasks{larder::delayed(area)(2.0, 3.0), larder::delayed(area)(4.0, 5.0)};
//   std::vector<double> areas = pool(tasks);

#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include <larder/detail/task_invoke.hpp>
#include <larder/detail/travel.hpp>

namespace larder {

/// A function with its arguments, all of which it owns.
template <class F, class... Args>
class delayed_call {
 public:
  template <class G, class... Given>
  explicit delayed_call(std::in_place_t, G&& function, Given&&... args)
      : function_(std::forward<G>(function)), args_(std::forward<Given>(args)...) {}

  decltype(auto) operator()() const& requires detail::task_invocable<const F&, const Args&...> {
    return std::apply(
        [this](const Args&... args) -> decltype(auto) { return detail::task_invoke(function_, args...); },
        args_);
  }
  /// Gives the arguments away: once.
  decltype(auto) operator()() && requires detail::task_invocable<F&, Args...> {
    return std::apply(
        [this](Args&... args) -> decltype(auto) {
          return detail::task_invoke(function_, std::move(args)...);
        },
        args_);
  }

 private:
  friend struct detail::travels<delayed_call>;

  F function_;
  std::tuple<Args...> args_;
};

/// delayed(f)(args...) holds copies of f and the arguments (moved where they are given away); calling it calls f with them, with the
/// object in the place of an object_ref (<larder/parallel.hpp>).
template <class F>
auto delayed(F&& function) {
  return [function = std::decay_t<F>(std::forward<F>(function))]<class... Args>(Args&&... args) {
    return delayed_call<std::decay_t<F>, std::decay_t<Args>...>(std::in_place, function,
                                                                std::forward<Args>(args)...);
  };
}

template <class F, class... Args>
struct detail::travels<delayed_call<F, Args...>> {
  static constexpr bool k_can = can_travel<F> && (can_travel<Args> && ...);

  static void write(const delayed_call<F, Args...>& call, travel_writer& to) requires k_can {
    write_travelling(call.function_, to);
    std::apply([&](const Args&... args) { (write_travelling(args, to), ...); }, call.args_);
  }
  static void read(travel_reader& from, std::optional<delayed_call<F, Args...>>& out) requires k_can {
    std::optional<F> function;
    read_travelling(from, function);
    std::tuple<std::optional<Args>...> all;
    std::apply(
        [&](std::optional<Args>&... args) {
          (read_travelling(from, args), ...);
          out.emplace(std::in_place, *std::move(function), *std::move(args)...);
        },
        all);
  }
};

}  // namespace larder
