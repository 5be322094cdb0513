#pragma once
// Where the result of one task waits to be taken: of any type that can be moved, or none.

#include <optional>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include <larder/detail/result_transport.hpp>

namespace larder::detail {

/// The text of the not_shippable for results of this type.
std::string not_travelling_text(const std::type_info& result);

template <class R>
std::string why_not_travelling() {
  if constexpr (can_travel<R>) {
    return {};
  } else {
    return not_travelling_text(typeid(R));
  }
}

template <class R>
class result_slot {
 public:
  template <class Call>
  void fill(Call&& call) {
    value_.emplace(std::forward<Call>(call)());
  }
  R take() { return std::move(*value_); }

  void write(result_writer& to) const {
    if constexpr (can_travel<R>) write_result(*value_, to);
  }
  void read(result_reader& from) {
    if constexpr (can_travel<R>) read_result(from, value_);
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

  void write(result_writer&) const noexcept {}
  void read(result_reader&) noexcept {}
};

}  // namespace larder::detail
