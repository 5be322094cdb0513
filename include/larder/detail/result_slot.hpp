#pragma once
// Where the result of one task waits to be taken: of any type that can be moved, or none.

#include <optional>
#include <utility>

#include <larder/detail/travel.hpp>

namespace larder::detail {

template <class R>
class result_slot {
 public:
  template <class Call>
  void fill(Call&& call) {
    value_.emplace(std::forward<Call>(call)());
  }
  R take() { return std::move(*value_); }
  void drop() noexcept { value_.reset(); }

  void write(travel_writer& to) const {
    if constexpr (can_travel<R>) write_travelling(*value_, to);
  }
  void read(travel_reader& from) {
    if constexpr (can_travel<R>) read_travelling(from, value_);
  }

 private:
  std::optional<R> value_;
};

template <>
class result_slot<void> {
 public:
  template <class Call>
  void fill(Call&& call) {
    std::forward<Call>(call)();
  }
  void take() const noexcept {}
  void drop() const noexcept {}

  void write(travel_writer&) const noexcept {}
  void read(travel_reader&) noexcept {}
};

}  // namespace larder::detail
