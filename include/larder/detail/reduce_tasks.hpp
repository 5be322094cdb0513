#pragma once
// map_reduce: results that are combined where they come about, so that few of them have to be combined at the end.

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

#include <larder/detail/call_batch.hpp>
#include <larder/detail/element_holder.hpp>
#include <larder/detail/result_slot.hpp>
#include <larder/detail/task_batch.hpp>
#include <larder/parallel_options.hpp>

namespace larder::detail {

/// What consecutive tasks came to, [begin, end).
template <class T>
struct partial_result {
  std::size_t begin;
  std::size_t end;
  T value;
};

/// op(op(init, first), second), …, in the order of the tasks.
template <class T, class Op>
T combine(T init, std::vector<partial_result<T>>&& parts, const Op& op) {
  std::ranges::sort(parts, {}, &partial_result<T>::begin);
  for (auto& each : parts) init = op(std::move(init), std::move(each.value));
  return init;
}

/// Over a range that is reached by index, in the threads of one process: each worker combines the results of tasks that
/// follow each other, or, in any order, all of its own.
template <class Range, class Call, class T, class Op>
class reduce_tasks final : public indexed_tasks {
 public:
  reduce_tasks(Range& range, const Call& call, const Op& op, reduce_order order, std::size_t workers)
      : first_(std::ranges::begin(range)),
        call_(call),
        op_(op),
        in_sequence_(order == reduce_order::sequence),
        parts_(workers) {}

  void run(unsigned worker, std::size_t begin, std::size_t end) override {
    auto& mine = parts_[worker].of_one_worker;
    std::size_t i = begin;
    if (mine.empty() || (in_sequence_ && mine.back().end != begin)) {
      mine.push_back({begin, begin + 1, T(call_(first_[static_cast<position>(begin)]))});
      ++i;
    }
    T value = std::move(mine.back().value);
    for (; i != end; ++i) value = op_(std::move(value), T(call_(first_[static_cast<position>(i)])));
    mine.back() = {mine.back().begin, end, std::move(value)};
  }

  T result(T init) {
    std::vector<partial_result<T>> all;
    for (auto& each : parts_) std::ranges::move(each.of_one_worker, std::back_inserter(all));
    return combine(std::move(init), std::move(all), op_);
  }

 private:
  using iterator = std::ranges::iterator_t<Range>;
  using position = std::iter_difference_t<iterator>;
  // On a cache line of its own: workers write to theirs all the time.
  struct alignas(64) parts {
    std::vector<partial_result<T>> of_one_worker;
  };

  const iterator first_;
  const Call& call_;
  const Op& op_;
  const bool in_sequence_;
  std::vector<parts> parts_;
};

/// The same for elements that were read before.
template <class Range, class Call, class T, class Op>
class reduce_batch final : public task_batch {
 public:
  using inputs = std::vector<element_holder<Range>>;

  reduce_batch(std::size_t first, const std::shared_ptr<stop_state>& stop, inputs&& elements,
               const Call& call, const Op& op, const shipment& shipped)
      : task_batch(first, elements.size(), stop),
        call_(call),
        op_(op),
        shipment_(shipped),
        elements_(std::move(elements)) {}

  void run(std::size_t i) override {
    if (i == 0) {
      value_.emplace(T(call_(elements_[i].pass())));
    } else {
      *value_ = op_(std::move(*value_), T(call_(elements_[i].pass())));
    }
  }
  const shipment& shipped() const override { return shipment_; }
  void write_inputs(std::size_t begin, std::size_t end, travel_writer& to) override {
    detail::write_inputs(elements_, begin, end, to);
  }
  void write(std::size_t /*last*/, travel_writer& to) override {
    if constexpr (can_travel<T>) write_travelling(*value_, to);
  }
  void read(std::size_t /*last*/, travel_reader& from) override {
    if constexpr (can_travel<T>) read_travelling(from, value_);
  }
  std::string why_not_travelling() const override {
    return detail::why_not_travelling<T>(travel_role::result);
  }
  bool is_whole() const noexcept override { return true; }

  partial_result<T> take() { return {first(), first() + count(), std::move(*value_)}; }

 private:
  const Call& call_;
  const Op& op_;
  const shipment& shipment_;
  inputs elements_;
  std::optional<T> value_;
};

}  // namespace larder::detail
