#pragma once
// An element of a range between being read in one thread and being passed to a function in another.

#include <iterator>
#include <memory>
#include <ranges>
#include <type_traits>
#include <utility>

#include <larder/detail/task_invoke.hpp>
#include <larder/detail/travel.hpp>

namespace larder::detail {

template <class Range>
using range_reference = std::iter_reference_t<decltype(std::ranges::begin(std::declval<Range&>()))>;

/// Elements of a range that may be read several times stay where they are, and are referred to; those that the range makes when
/// they are read are held; single-pass ranges may take theirs back at the next step, so a copy is held, or what they give
/// away.
template <class Range>
class element_holder {
  using reference = range_reference<Range>;
  static constexpr bool k_refers = std::ranges::forward_range<Range> && std::is_lvalue_reference_v<reference>;
  using value = std::conditional_t<std::ranges::forward_range<Range>, std::remove_cvref_t<reference>,
                                   std::ranges::range_value_t<Range>>;
  using held = std::conditional_t<k_refers, std::add_pointer_t<reference>, value>;

 public:
  /// What the function is called with.
  using passed = std::conditional_t<k_refers, reference, value&&>;

  explicit element_holder(reference element) : held_(hold(std::forward<reference>(element))) {}

  /// Before it is passed.
  const std::remove_cvref_t<passed>& look() const noexcept {
    if constexpr (k_refers) {
      return *held_;
    } else {
      return held_;
    }
  }
  /// Once.
  passed pass() noexcept {
    if constexpr (k_refers) {
      return static_cast<passed>(*held_);
    } else {
      return std::move(held_);
    }
  }

 private:
  static decltype(auto) hold(reference&& element) {
    if constexpr (k_refers) {
      return std::addressof(element);
    } else {
      return std::forward<reference>(element);
    }
  }

  held held_;
};

/// What a function is called with for elements of this range.
template <class Range>
using passed_element = typename element_holder<Range>::passed;

/// As what elements of this range go to another process: what stands for an element of a vector<bool> goes as its value.
template <class Range>
using travelling_element =
    std::conditional_t<!can_travel<std::remove_cvref_t<passed_element<Range>>> &&
                           std::is_convertible_v<passed_element<Range>, std::ranges::range_value_t<Range>>,
                       std::ranges::range_value_t<Range>, std::remove_cvref_t<passed_element<Range>>>;

/// What the function is called with there.
template <class Range, class F, class... Shared>
using travelled_passed = std::conditional_t<
    !std::is_same_v<travelling_element<Range>, std::remove_cvref_t<passed_element<Range>>> &&
        task_invocable<const F&, travelling_element<Range>, const Shared&...>,
    travelling_element<Range>&&, passed_element<Range>>;

}  // namespace larder::detail
