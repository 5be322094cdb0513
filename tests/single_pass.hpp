#pragma once
// Ranges that are read as a call goes on, for tests of what reads them.

#include <cstddef>
#include <functional>
#include <iterator>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

/// A range that is read once, and says what has happened to it: the elements 0, 1, ... below `count`.
class single_pass {
 public:
  explicit single_pass(int count) : count_(count) {}
  single_pass(const single_pass&) = delete;
  single_pass(single_pass&&) = default;
  single_pass& operator=(single_pass&&) = default;

  class iterator {
   public:
    using iterator_concept = std::input_iterator_tag;
    using value_type = int;
    using difference_type = std::ptrdiff_t;
    explicit iterator(single_pass* of) : of_(of) {}
    int operator*() const {
      of_->throw_at(of_->fails_in_dereference);
      if (of_->on_read) of_->on_read(of_->at_);
      ++of_->read;
      return of_->at_;
    }
    iterator& operator++() {
      of_->throw_at(of_->fails_in_increment);
      ++of_->at_;
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return of_->at_ == of_->count_; }

   private:
    single_pass* of_;
  };

  iterator begin() {
    if (fails_in_begin) throw std::out_of_range("begin");
    return iterator(this);
  }
  std::default_sentinel_t end() const { return {}; }

  bool fails_in_begin = false;
  int fails_in_increment = -1;
  int fails_in_dereference = -1;
  int read = 0;
  std::function<void(int)> on_read;

 private:
  void throw_at(int place) const {
    if (place == at_) throw std::out_of_range("element " + std::to_string(at_));
  }

  int count_;
  int at_ = 0;
};

/// 0, 2, 4, ...: what k_double makes of the first `count` numbers.
inline std::vector<int> doubles(int count) {
  std::vector<int> xs(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) xs[static_cast<std::size_t>(i)] = 2 * i;
  return xs;
}

inline constexpr auto k_double = [](int x) { return 2 * x; };

/// What is left of a stream of results.
template <class Results>
auto all_of(Results&& results) {
  std::vector<std::remove_cvref_t<decltype(*results.begin())>> all;
  for (auto&& each : results) all.push_back(std::move(each));
  return all;
}
