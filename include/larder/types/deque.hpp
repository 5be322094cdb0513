#pragma once
// Makes std::deque storable.

#include <deque>
#include <string>

#include <larder/detail/stored_sequence.hpp>

namespace larder::detail {

template <class T, class A>
struct stored<std::deque<T, A>> : stored_sequence<std::deque<T, A>> {
  static std::string name() { return "deque"; }
};

}  // namespace larder::detail
