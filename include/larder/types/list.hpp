#pragma once
// Makes std::list storable.

#include <list>
#include <string>

#include <larder/detail/stored_sequence.hpp>

namespace larder::detail {

template <class T, class A>
struct stored<std::list<T, A>> : stored_sequence<std::list<T, A>> {
  static std::string name() { return "list"; }
};

}  // namespace larder::detail
