#pragma once
// Whether two arrays have the same shape and the same bytes, whatever their memory looks like.

#include <cstring>
#include <vector>

#include <larder/array.hpp>

#include "tests/catch.hpp"

template <class T, class U>
void check_same(const larder::array<T>& found, const larder::array<U>& expected) {
  REQUIRE(std::vector<std::size_t>(found.shape().begin(), found.shape().end()) ==
          std::vector<std::size_t>(expected.shape().begin(), expected.shape().end()));
  CHECK((found.size() == 0 || std::memcmp(found.copy().data(), expected.copy().data(), found.nbytes()) == 0));
}
