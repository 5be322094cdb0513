#pragma once
// A type's own key: what hash() and the keys of cached functions take of its values.
//
//   class sample {
//     std::string name_;
//     std::vector<double> data_;
//     mutable statistics so_far_;  // not content
//     friend void hash_append(larder::hasher& h, const sample& s) { h(s.name_, s.data_); }
//   };
//   larder::hash(std::vector<sample>(3));

#include <cstddef>
#include <iterator>
#include <string_view>

#include <larder/detail/hashable_check.hpp>
#include <larder/detail/value_hasher.hpp>

namespace larder {

namespace detail {

/// String literals, and other arrays of char.
template <class T>
inline constexpr bool is_character_array = false;
template <std::size_t N>
inline constexpr bool is_character_array<char[N]> = true;

template <class T>
void hash_into(value_hasher& hasher, const T& value) {
  if constexpr (is_character_array<T>) {
    const std::string_view all(value, std::size(value));
    hasher.text(all.substr(0, all.find('\0')));
  } else {
    hasher.value(value);
  }
}

}  // namespace detail

/// What hash_append(larder::hasher&, const T&) gets: a function for T itself (a base's does not count, nor does a function
/// template), beside T in its namespace or a friend inside it, and declared before T is hashed for the first time. T need
/// not be storable; where it is, hash_append decides its hash all the same, and without one for T itself its stored
/// value does. Values that it feeds alike are alike to the cache, so whatever a result may depend on has to go in. What
/// it throws comes out of hash() or the cached call.
///
/// The name of the type (larder::type_name) is hashed with what is fed. Lives for the call alone.
class hasher {
 public:
  hasher(const hasher&) = delete;
  hasher& operator=(const hasher&) = delete;

  /// Feeds values of any hashable type; their order counts.
  template <class... T>
  hasher& operator()(const T&... values) {
    (detail::hash_into(to_, values), ...);
    return *this;
  }

 private:
  template <class T>
  friend void detail::append_own(detail::value_hasher& to, const T& value);

  explicit hasher(detail::value_hasher& to) noexcept : to_(to) {}

  detail::value_hasher& to_;
};

namespace detail {

template <class T>
void append_own(value_hasher& to, const T& value) {
  hasher h(to);
  hash_append(h, value);
}

}  // namespace detail
}  // namespace larder
