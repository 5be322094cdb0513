#pragma once
// Batches of calls f(element, shared...), and the ranges that they are made of.

#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <larder/detail/element_holder.hpp>
#include <larder/detail/result_slot.hpp>
#include <larder/detail/task_batch.hpp>
#include <larder/detail/task_stream.hpp>

namespace larder::detail {

/// Those of these elements that can travel.
template <class Range>
void write_inputs(const std::vector<element_holder<Range>>& elements, std::size_t begin, std::size_t end,
                  travel_writer& to) {
  using element = travelling_element<Range>;
  if constexpr (can_travel<element>) {
    for (std::size_t i = begin; i != end; ++i) write_travelling<element>(elements[i].look(), to);
  }
}

/// `Call` is the function with its shared arguments; it and the shipment live as long as the call of the whole.
template <class Range, class Call, class Result>
class call_batch final : public task_batch {
 public:
  using inputs = std::vector<element_holder<Range>>;

  call_batch(std::size_t first, const std::shared_ptr<stop_state>& stop, inputs&& elements, const Call& call,
             const shipment& shipped)
      : task_batch(first, elements.size(), stop),
        call_(call),
        shipment_(shipped),
        elements_(std::move(elements)),
        results_(elements_.size()) {}

  void run(std::size_t i) override {
    results_[i].fill([&]() -> decltype(auto) { return call_(elements_[i].pass()); });
  }
  const shipment& shipped() const override { return shipment_; }
  void write_inputs(std::size_t begin, std::size_t end, travel_writer& to) override {
    detail::write_inputs(elements_, begin, end, to);
  }
  void write(std::size_t i, travel_writer& to) override { results_[i].write(to); }
  void read(std::size_t i, travel_reader& from) override { results_[i].read(from); }
  std::string why_not_travelling() const override {
    return detail::why_not_travelling<Result>(travel_role::result);
  }

  Result take(std::size_t i) { return results_[i].take(); }

 private:
  const Call& call_;
  const shipment& shipment_;
  inputs elements_;
  std::vector<result_slot<Result>> results_;
};

/// Reads a range from its beginning to its end. It steps on only when the next element is wanted, as a step may be what makes
/// it.
template <class Range, class Batch, class... Shared>
class range_source final : public batch_source {
 public:
  /// The range lives as long, as does what batches are made with beside their elements.
  explicit range_source(Range& range, const Shared&... shared)
      : total_(count_of(range)),
        at_(std::ranges::begin(range)),
        end_(std::ranges::end(range)),
        shared_(shared...) {}

  std::shared_ptr<task_batch> next(std::size_t first, std::size_t most,
                                   const std::shared_ptr<stop_state>& stop) override {
    typename Batch::inputs elements;
    while (elements.size() != most && step()) elements.emplace_back(*at_);
    if (elements.empty()) return nullptr;
    return std::apply(
        [&](const Shared&... shared) {
          return std::make_shared<Batch>(first, stop, std::move(elements), shared...);
        },
        shared_);
  }

  std::size_t total() const noexcept override { return total_; }

 private:
  static std::size_t count_of(Range& range) {
    if constexpr (std::ranges::sized_range<Range>) {
      return static_cast<std::size_t>(std::ranges::size(range));
    } else {
      return 0;
    }
  }

  bool step() {
    if (is_at_end_) return false;
    if (has_begun_) ++at_;
    has_begun_ = true;
    is_at_end_ = at_ == end_;
    return !is_at_end_;
  }

  const std::size_t total_;  // first: a range that is read once may be asked before its beginning alone
  std::ranges::iterator_t<Range> at_;
  std::ranges::sentinel_t<Range> end_;
  bool has_begun_ = false;
  bool is_at_end_ = false;
  std::tuple<const Shared&...> shared_;
};

}  // namespace larder::detail
