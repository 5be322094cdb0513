#pragma once
// A function with its shared arguments, as the calls of a pool run it.

#include <concepts>
#include <cstddef>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <larder/detail/element_holder.hpp>
#include <larder/detail/map_tasks.hpp>
#include <larder/detail/task_invoke.hpp>
#include <larder/detail/travel.hpp>

namespace larder::detail {

// Never specialised: makes a static_assert depend on the template's arguments.
template <class...>
inline constexpr bool unsupported = false;

/// f(element, shared...), all of which live as long. An element that is an object_ref is loaded by the call.
template <class F, class... Shared>
class parallel_call {
 public:
  explicit parallel_call(const F& f, const Shared&... shared) noexcept : f_(f), shared_(shared...) {}

  template <class Element>
  decltype(auto) operator()(Element&& element) const {
    return std::apply(
        [&](const Shared&... shared) -> decltype(auto) {
          return task_invoke(f_, std::forward<Element>(element), shared...);
        },
        shared_);
  }

  /// As shipped calls read it: the function, then the shared arguments.
  void write(travel_writer& to) const requires(can_travel<F> && (can_travel<Shared> && ...)) {
    write_travelling(f_, to);
    std::apply([&](const Shared&... each) { (write_travelling(each, to), ...); }, shared_);
  }

 private:
  const F& f_;
  std::tuple<const Shared&...> shared_;
};

template <class Range, class F, class... Shared>
concept task_of = task_invocable < F&,
        passed_element<Range>,
const Shared&... > &&(!indexed_range<Range> || task_invocable<F&, range_reference<Range>, const Shared&...>);

/// Shared arguments are references to objects that f takes: they are loaded once, before the first task, in the thread that calls.
template <class Range, class F, class... Shared>
concept shares_objects = has_object_ref<Shared...> && std::ranges::input_range<Range> &&
    (takes_objects<const F&, passed_element<Range>, const Shared&...>);

/// Refuses what cannot be called, in words; false where it has done so.
template <class Range, class F, class... Shared>
consteval bool require_task() {
  if constexpr (!std::ranges::input_range<Range>) {
    static_assert(unsupported<Range>,
                  "larder: a parallel call takes a range: something with begin() and end().");
    return false;
  } else if constexpr (!task_of<Range, const F, Shared...>) {
    static_assert(!task_of<Range, F, Shared...>,
                  "larder: the function of a parallel call is called by several threads at once, "
                  "so it has to be callable when const: "
                  "a lambda must not be `mutable`, an operator() has to be const.");
    constexpr bool k_has_object_ref = has_object_ref<passed_element<Range>, Shared...>;
    static_assert(
        task_of<Range, F, Shared...> || !k_has_object_ref,
        "larder: the function of a parallel call can be called neither with the objects that each "
        "object_ref stands for, of which an array is an array<const T>, nor with each object_ref itself.");
    static_assert(task_of<Range, F, Shared...> || k_has_object_ref,
                  "larder: the function of a parallel call cannot be called as f(element, shared...), "
                  "with an element of the range and each shared argument as a const reference.");
    return false;
  } else {
    using returned = typename task_invocation<const F&, passed_element<Range>, const Shared&...>::returned;
    using result = std::remove_cvref_t<returned>;
    constexpr bool k_can_be_kept = std::is_void_v<result> || (std::is_move_constructible_v<result> &&
                                                              std::is_constructible_v<result, returned>);
    static_assert(k_can_be_kept,
                  "larder: the function of a parallel call returns something that cannot be kept: "
                  "its type has to be movable, and copyable where the function returns a reference.");
    return k_can_be_kept;
  }
}

template <class Range, class F, class... Shared>
using task_result =
    std::remove_cvref_t<task_invoke_result_t<const F&, passed_element<Range>, const Shared&...>>;

template <class T>
struct range_owner {
  using type = T;
};
template <class T, std::size_t k_count>
struct range_owner<T[k_count]> {
  using type = std::vector<std::remove_cv_t<T>>;
};

/// What a call that outlives its caller's statement keeps of a range.
template <class Range>
using owned_range = typename range_owner<std::remove_cvref_t<Range>>::type;

template <class Range>
owned_range<Range> own_range(Range&& range) {
  if constexpr (std::is_array_v<std::remove_reference_t<Range>>) {
    return owned_range<Range>(std::ranges::begin(range), std::ranges::end(range));
  } else {
    // A vector of what cannot be copied claims that it can be.
    constexpr bool k_copies_elements =
        std::is_lvalue_reference_v<Range> && !std::ranges::view<std::remove_cvref_t<Range>>;
    static_assert(std::is_constructible_v<owned_range<Range>, Range&&> &&
                      (!k_copies_elements || std::copy_constructible<std::ranges::range_value_t<Range>>),
                  "larder: imap keeps the range that it is given, and this one cannot be copied: pass "
                  "std::move(range).");
    return owned_range<Range>(std::forward<Range>(range));
  }
}

}  // namespace larder::detail
