#pragma once
// A map over a range that is reached by index, and where its results lie.

#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <larder/detail/element_holder.hpp>
#include <larder/detail/result_slot.hpp>
#include <larder/detail/task_batch.hpp>

namespace larder::detail {

template <class Range>
concept indexed_range = requires(Range& range) {
  { std::ranges::begin(range) } -> std::random_access_iterator;
  std::ranges::size(range);
};

/// Results by their index, as tasks come with them: elements of the vector itself where making them first costs nothing that
/// could be noticed; else an optional each, moved into the vector at the end. Neighbouring elements are written by different
/// threads, which is why vector<bool> is filled from bytes. Each result has one owner at any time, so it is destroyed once,
/// whoever throws.
template <class R>
class result_vector {
  static constexpr bool k_in_place = !std::is_same_v<R, bool> && std::is_nothrow_default_constructible_v<R> &&
                                     std::is_nothrow_move_assignable_v<R>;
  using cell = std::conditional_t<std::is_same_v<R, bool>, unsigned char,
                                  std::conditional_t<k_in_place, R, std::optional<R>>>;

 public:
  static constexpr bool k_contiguous_bytes = goes_as_bytes<R> && sizeof(cell) == sizeof(R);

  explicit result_vector(std::size_t count) : cells_(count) {}

  /// Makes room for results up to this many: not beside a put().
  void grow(std::size_t count) {
    if (count > cells_.size()) cells_.resize(count);
  }

  template <class Result>
  void put(std::size_t i, Result&& result) {
    if constexpr (std::is_same_v<R, bool>) {
      cells_[i] = result ? 1 : 0;
    } else if constexpr (!k_in_place) {
      cells_[i].emplace(std::forward<Result>(result));
    } else if constexpr (std::is_assignable_v<R&, Result&&>) {
      cells_[i] = std::forward<Result>(result);
    } else {
      cells_[i] = R(std::forward<Result>(result));
    }
  }

  const R& operator[](std::size_t i) const requires(!std::is_same_v<R, bool>) {
    if constexpr (k_in_place) {
      return cells_[i];
    } else {
      return *cells_[i];
    }
  }

  /// Gives back what a result owns.
  void drop(std::size_t i) {
    if constexpr (k_in_place) {
      cells_[i] = R();
    } else {
      cells_[i].reset();
    }
  }

  cell* cells(std::size_t i) noexcept { return cells_.data() + i; }

  std::vector<R> take() {
    if constexpr (std::is_same_v<R, bool>) {
      return std::vector<bool>(cells_.begin(), cells_.end());
    } else if constexpr (k_in_place) {
      return std::move(cells_);
    } else {
      std::vector<R> results;
      results.reserve(cells_.size());
      for (auto& each : cells_) results.push_back(std::move(*each));
      return results;
    }
  }

 private:
  std::vector<cell> cells_;
};

template <>
class result_vector<void> {
 public:
  explicit result_vector(std::size_t /*count*/) {}
  void grow(std::size_t /*count*/) const noexcept {}
  void take() const noexcept {}
};

/// `Call` is the function with its shared arguments.
template <class Range, class Call, class Result>
class map_tasks final : public travelling_tasks {
 public:
  /// All of them live as long.
  map_tasks(Range& range, const Call& call, const shipment& shipped, result_vector<Result>& results)
      : first_(std::ranges::begin(range)), call_(call), shipment_(shipped), results_(results) {}

  void run(unsigned /*worker*/, std::size_t begin, std::size_t end) override {
    // Locals: what a function writes may be anything, but not these.
    const auto first = first_;
    const Call& call = call_;
    result_vector<Result>& results = results_;
    for (std::size_t i = begin; i != end; ++i) {
      if constexpr (std::is_void_v<Result>) {
        call(first[static_cast<position>(i)]);
      } else {
        results.put(i, call(first[static_cast<position>(i)]));
      }
    }
  }

  const shipment& shipped() const override { return shipment_; }
  void write_inputs(std::size_t begin, std::size_t end, travel_writer& to) override {
    using element = travelling_element<Range>;
    if constexpr (std::contiguous_iterator<iterator> && goes_as_bytes<element>) {
      to.bytes(std::to_address(first_) + begin, (end - begin) * sizeof(element));
    } else if constexpr (can_travel<element>) {
      for (std::size_t i = begin; i != end; ++i) {
        const element_holder<Range> each(first_[static_cast<position>(i)]);
        write_travelling<element>(each.look(), to);
      }
    }
  }

  void write(unsigned /*worker*/, std::size_t begin, std::size_t end, travel_writer& to) override {
    if constexpr (std::is_void_v<Result>) {
    } else if constexpr (result_vector<Result>::k_contiguous_bytes) {
      to.bytes(results_.cells(begin), (end - begin) * sizeof(Result));
    } else if constexpr (can_travel<Result>) {
      for (std::size_t i = begin; i != end; ++i) {
        write_travelling(results_[i], to);
        results_.drop(i);  // it goes on in the other process
      }
    }
  }
  void read(std::size_t begin, std::size_t end, travel_reader& from) override {
    if constexpr (std::is_void_v<Result>) {
    } else if constexpr (result_vector<Result>::k_contiguous_bytes) {
      from.bytes(results_.cells(begin), (end - begin) * sizeof(Result));
    } else if constexpr (can_travel<Result>) {
      for (std::size_t i = begin; i != end; ++i) {
        std::optional<Result> result;
        read_travelling(from, result);
        results_.put(i, std::move(*result));
      }
    }
  }
  std::string why_not_travelling() const override {
    return detail::why_not_travelling<Result>(travel_role::result);
  }

 private:
  using iterator = std::ranges::iterator_t<Range>;
  using position = std::iter_difference_t<iterator>;

  const iterator first_;
  const Call& call_;
  const shipment& shipment_;
  result_vector<Result>& results_;
};

}  // namespace larder::detail
