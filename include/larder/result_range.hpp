#pragma once
// What imap returns: results as they come.
//
//   for (auto&& result : pool.imap(files, read_and_sum)) std::cout << result << '\n';

#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>

#include <larder/parallel_stats.hpp>

namespace larder {

namespace detail {

/// Where results come from.
template <class R>
class result_feed {
 public:
  virtual ~result_feed() = default;
  virtual std::optional<R> next() = 0;
  virtual parallel_stats stats() const = 0;
};

}  // namespace detail

/// The results of one call, each once: a range to be gone through once, by one thread. Move-only. Dropping it before its end
/// stops the work: tasks that have not begun never will, and it returns when none runs (children of fork are killed, and worker processes that do not stop soon).
///
/// The range and functions that were given to imap live in it, so it may outlive all but what those refer to. Results of
/// functions that return nothing are std::monostate.
template <class R>
class result_range {
 public:
  using value_type = R;

  class iterator {
   public:
    using iterator_concept = std::input_iterator_tag;
    using value_type = R;
    using difference_type = std::ptrdiff_t;

    iterator() = default;
    /// The result; it may be moved from.
    R&& operator*() const noexcept { return std::move(*of_->current_); }
    iterator& operator++() {
      of_->step();
      return *this;
    }
    void operator++(int) { of_->step(); }
    bool operator==(std::default_sentinel_t) const noexcept { return !of_->current_; }

   private:
    friend class result_range;
    explicit iterator(result_range* of) noexcept : of_(of) {}

    result_range* of_ = nullptr;
  };

  explicit result_range(std::unique_ptr<detail::result_feed<R>> feed) noexcept : feed_(std::move(feed)) {}

  /// Waits for the first result, or goes on where it is. Throws what the first failing task has thrown, as does each step.
  iterator begin() {
    if (!current_) step();
    return iterator(this);
  }
  std::default_sentinel_t end() const noexcept { return std::default_sentinel; }

  /// The next result, as an alternative to iterators; empty at the end. What an iterator is at is passed over.
  std::optional<R> next() {
    step();
    std::optional<R> result;
    if (current_) result.emplace(std::move(*current_));
    current_.reset();
    return result;
  }

  /// What was done so far.
  parallel_stats stats() const { return feed_->stats(); }

 private:
  void step() {
    current_.reset();
    if (std::optional<R> result = feed_->next()) current_.emplace(std::move(*result));
  }

  std::unique_ptr<detail::result_feed<R>> feed_;
  std::optional<R> current_;
};

}  // namespace larder
