// Views of arrays, and copying elements between them.

#include <larder/array.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <type_traits>
#include <vector>

#include <larder/error.hpp>

#include "tests/catch.hpp"

using Catch::Matchers::ContainsSubstring;
using larder::array;
using larder::extents;

namespace {

/// 0, 1, 2 … in row-major order.
array<int> counted(const extents& shape) {
  const array<int> a(shape);
  std::iota(a.flat().begin(), a.flat().end(), 0);
  return a;
}

std::vector<int> elements(const array<const int>& a) {
  const auto copy = a.copy();
  return {copy.flat().begin(), copy.flat().end()};
}

std::vector<std::size_t> shape_of(const array<const int>& a) { return {a.shape().begin(), a.shape().end()}; }

using ints = std::vector<int>;
using sizes = std::vector<std::size_t>;

}  // namespace

TEST_CASE("sub drops the first dimension and shares the elements") {
  const auto a = counted({2, 3, 4});
  const auto b = a.sub(1);
  CHECK(shape_of(b) == sizes{3, 4});
  CHECK(elements(b) == ints{12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23});
  CHECK(b.is_contiguous());
  b(0, 0) = -1;
  CHECK(a(1, 0, 0) == -1);
  const auto scalar = b.sub(2).sub(3);
  CHECK(scalar.ndim() == 0);
  CHECK(scalar() == 23);
}

TEST_CASE("sub out of range is refused") {
  const auto a = counted({2, 3});
  CHECK_THROWS_AS(a.sub(2), larder::value_error);
  CHECK_THROWS_WITH(a.sub(5), ContainsSubstring("5") && ContainsSubstring("2"));
  CHECK_THROWS_AS(a.sub(0).sub(0).sub(0), larder::value_error);  // no dimension is left
  CHECK_THROWS_AS(counted({0, 3}).sub(0), larder::value_error);
}

TEST_CASE("slice takes every step-th index of one dimension") {
  const auto a = counted({4, 5});
  CHECK(elements(a.slice(0, 1, 3)) == ints{5, 6, 7, 8, 9, 10, 11, 12, 13, 14});
  CHECK(elements(a.slice(1, 1, 3)) == ints{1, 2, 6, 7, 11, 12, 16, 17});
  CHECK(elements(a.slice(1, 0, 5, 2)) == ints{0, 2, 4, 5, 7, 9, 10, 12, 14, 15, 17, 19});
  CHECK(elements(a.slice(1, 1, 5, 3)) == ints{1, 4, 6, 9, 11, 14, 16, 19});
  CHECK(elements(a.slice(0, 0, 4, 9)) == ints{0, 1, 2, 3, 4});
  const auto inner = a.slice(0, 1, 4, 2).slice(1, 1, 5, 2);
  CHECK(shape_of(inner) == sizes{2, 2});
  CHECK(elements(inner) == ints{6, 8, 16, 18});
  inner(1, 1) = -1;
  CHECK(a(3, 3) == -1);
}

TEST_CASE("a slice can be empty and can be everything") {
  const auto a = counted({4, 5});
  for (const std::size_t at : sizes{0, 2, 4}) {
    const auto none = a.slice(0, at, at);
    CHECK(shape_of(none) == sizes{0, 5});
    CHECK(none.size() == 0);
    CHECK(none.flat().empty());
  }
  CHECK(elements(a.slice(1, 0, 5)) == elements(a));
}

TEST_CASE("a slice out of range is refused with its bounds") {
  const auto a = counted({4, 5});
  CHECK_THROWS_AS(a.slice(0, 0, 5), larder::value_error);
  CHECK_THROWS_AS(a.slice(0, 3, 2), larder::value_error);
  CHECK_THROWS_AS(a.slice(2, 0, 1), larder::value_error);
  CHECK_THROWS_AS(a.slice(0, 0, 4, 0), larder::value_error);
  CHECK_THROWS_AS(array<int>(extents()).slice(0, 0, 0), larder::value_error);
  CHECK_THROWS_WITH(a.slice(1, 2, 17), ContainsSubstring("17") && ContainsSubstring("5"));
}

TEST_CASE("a step beyond the address space takes the first index only") {
  const auto a = counted({4});
  CHECK(elements(a.slice(0, 1, 4, SIZE_MAX)) == ints{1});
  CHECK(elements(a.slice(0, 1, 4, SIZE_MAX / 2).copy()) == ints{1});
}

TEST_CASE("transpose reverses the dimensions and shares the elements") {
  const auto a = counted({2, 3, 4});
  const auto t = a.transpose();
  CHECK(shape_of(t) == sizes{4, 3, 2});
  for (std::size_t i = 0; i < 2; ++i) {
    for (std::size_t j = 0; j < 3; ++j) {
      for (std::size_t k = 0; k < 4; ++k) CHECK(&t(k, j, i) == &a(i, j, k));
    }
  }
  CHECK_FALSE(t.is_contiguous());
  CHECK(elements(t.transpose()) == elements(a));
  CHECK(elements(counted({2, 3}).transpose()) == ints{0, 3, 1, 4, 2, 5});
  CHECK(array<int>(extents()).transpose().ndim() == 0);
}

TEST_CASE("reshape keeps the order of the elements and shares them") {
  const auto a = counted({2, 6});
  const auto b = a.reshape({3, 2, 2});
  CHECK(shape_of(b) == sizes{3, 2, 2});
  CHECK(b(2, 1, 0) == 10);
  b(0, 0, 0) = 7;
  CHECK(a(0, 0) == 7);
  CHECK(a.reshape({12}).flat().data() == a.data());
  CHECK(counted({1, 1}).reshape(extents()).ndim() == 0);
  CHECK(shape_of(counted({0, 3}).reshape({5, 0, 2})) == sizes{5, 0, 2});
}

TEST_CASE("reshape to another number of elements is refused with both shapes") {
  const auto a = counted({2, 6});
  CHECK_THROWS_AS(a.reshape({13}), larder::value_error);
  CHECK_THROWS_AS(a.reshape({0}), larder::value_error);
  CHECK_THROWS_AS(a.reshape({std::uint64_t{1} << 40, std::uint64_t{1} << 40}), larder::value_error);
  CHECK_THROWS_WITH(a.reshape({5, 3}), ContainsSubstring("2, 6") && ContainsSubstring("5, 3"));
}

TEST_CASE("what needs contiguous elements refuses other layouts and names the way out") {
  const auto t = counted({2, 3}).transpose();
  CHECK_THROWS_AS(t.flat(), larder::layout_error);
  CHECK_THROWS_WITH(t.flat(), ContainsSubstring("copy()") && ContainsSubstring("(3, 2)"));
  CHECK_THROWS_AS(t.reshape({6}), larder::layout_error);
  CHECK_THROWS_WITH(t.reshape({6}), ContainsSubstring("copy()"));
  CHECK_THROWS_AS(counted({4}).slice(0, 0, 4, 2).flat(), larder::layout_error);
}

TEST_CASE("dimensions of size 1 do not make an array discontiguous") {
  const auto a = counted({4, 5});
  CHECK(a.slice(0, 1, 2).is_contiguous());
  CHECK(a.slice(0, 0, 4, 4).is_contiguous());
  CHECK_FALSE(a.slice(1, 1, 2).is_contiguous());
  CHECK(counted({1, 5}).transpose().is_contiguous());
  CHECK(elements(counted({1, 5}).transpose().reshape({5})) == ints{0, 1, 2, 3, 4});
  CHECK(a.slice(1, 1, 2).slice(0, 2, 3).is_contiguous());
  CHECK(a.slice(0, 0, 3).is_contiguous());
  CHECK_FALSE(a.slice(1, 0, 4).is_contiguous());
}

TEST_CASE("a view keeps the elements alive when the array is gone") {
  auto a = std::make_unique<array<int>>(counted({3, 4}));
  const auto column = a->transpose().sub(1);
  const auto part = a->slice(0, 1, 3).reshape({8});
  a.reset();
  CHECK(elements(column) == ints{1, 5, 9});
  CHECK(part(7) == 11);
}

TEST_CASE("copy is row-major and has elements of its own") {
  const auto a = counted({2, 3});
  const auto b = a.transpose().copy();
  CHECK(b.is_contiguous());
  CHECK(shape_of(b) == sizes{3, 2});
  b(0, 0) = 9;
  CHECK(a(0, 0) == 0);
  CHECK(elements(b) == ints{9, 3, 1, 4, 2, 5});
}

TEST_CASE("the view for inner loops agrees with the array in any layout") {
  const auto a = counted({4, 6});
  const auto v = a.slice(0, 0, 4, 2).transpose().view<2>();
  CHECK(v.shape(0) == 6);
  CHECK(v.shape(1) == 2);
  CHECK(v.stride(0) == 1);
  CHECK(v.stride(1) == 12);
  for (std::size_t i = 0; i < 6; ++i) {
    for (std::size_t j = 0; j < 2; ++j) CHECK(&v(i, j) == &a(2 * j, i));
  }
  v(5, 1) = -3;
  CHECK(a(2, 5) == -3);
  CHECK(array<int>(extents()).view<0>()() == 0);
  CHECK(counted({1, 1, 1, 1, 1, 3}).view<6>()(0, 0, 0, 0, 0, 2) == 2);
}

TEST_CASE("the view for inner loops refuses another number of dimensions") {
  const auto a = counted({4, 6});
  CHECK_THROWS_AS(a.view<1>(), larder::layout_error);
  CHECK_THROWS_AS(a.view<3>(), larder::layout_error);
  CHECK_THROWS_AS(array<int>(extents()).view<1>(), larder::layout_error);
  CHECK_THROWS_WITH(a.view<3>(), ContainsSubstring("2") && ContainsSubstring("3"));
  CHECK_THROWS_AS((a.view<3, larder::inner::contiguous>()), larder::layout_error);
}

TEST_CASE("fill reaches the elements of a view and no others") {
  const auto a = counted({3, 4});
  a.slice(1, 1, 4, 2).fill(-1);
  CHECK(elements(a) == ints{0, -1, 2, -1, 4, -1, 6, -1, 8, -1, 10, -1});
  a.transpose().fill(5);
  CHECK(elements(a) == ints(12, 5));
  a.sub(1).fill(6);
  CHECK(elements(a) == ints{5, 5, 5, 5, 6, 6, 6, 6, 5, 5, 5, 5});
  a.slice(0, 1, 1).fill(7);
  CHECK(elements(a.sub(1)) == ints(4, 6));
}

TEST_CASE("assign copies elements between any two layouts") {
  const array<int> a({3, 2});
  a.assign(counted({2, 3}).transpose());
  CHECK(elements(a) == ints{0, 3, 1, 4, 2, 5});
  const array<int> b({3, 4});
  b.slice(1, 0, 4, 2).assign(a);
  CHECK(elements(b) == ints{0, 0, 3, 0, 1, 0, 4, 0, 2, 0, 5, 0});
  const array<int> c({2, 2, 2, 2, 2, 2});
  c.transpose().assign(counted({2, 2, 2, 2, 2, 2}));
  CHECK(c(1, 0, 0, 0, 0, 0) == 1);
  CHECK(c(0, 0, 0, 0, 0, 1) == 32);
  const array<int> scalar{extents()};
  scalar.assign(counted({2, 3}).sub(1).sub(1));
  CHECK(scalar() == 4);
  const array<const int> fixed = counted({3, 2});
  a.assign(fixed);
  CHECK(elements(a) == ints{0, 1, 2, 3, 4, 5});
}

TEST_CASE("assign from elements that overlap is as if they had been copied before") {
  const auto forward = counted({6});
  forward.slice(0, 1, 6).assign(forward.slice(0, 0, 5));
  CHECK(elements(forward) == ints{0, 0, 1, 2, 3, 4});
  const auto backward = counted({6});
  backward.slice(0, 0, 5).assign(backward.slice(0, 1, 6));
  CHECK(elements(backward) == ints{1, 2, 3, 4, 5, 5});
  const auto square = counted({3, 3});
  square.assign(square.transpose());
  CHECK(elements(square) == ints{0, 3, 6, 1, 4, 7, 2, 5, 8});
  const auto strided = counted({9});
  strided.slice(0, 0, 4).assign(strided.slice(0, 1, 9, 2));
  CHECK(elements(strided) == ints{1, 3, 5, 7, 4, 5, 6, 7, 8});
  const auto rows = counted({3, 4});
  rows.slice(0, 1, 3).slice(1, 0, 3).assign(rows.slice(0, 0, 2).slice(1, 1, 4));
  CHECK(elements(rows) == ints{0, 1, 2, 3, 1, 2, 3, 7, 5, 6, 7, 11});
  const auto same = counted({4});
  same.assign(same);
  CHECK(elements(same) == ints{0, 1, 2, 3});
}

TEST_CASE("assign between different shapes is refused with both") {
  const array<int> a({2, 3});
  CHECK_THROWS_AS(a.assign(counted({3, 2})), larder::value_error);
  CHECK_THROWS_AS(a.assign(counted({6})), larder::value_error);
  CHECK_THROWS_AS(a.assign(counted({1, 3})), larder::value_error);
  CHECK_THROWS_WITH(a.assign(counted({3, 2})), ContainsSubstring("2, 3") && ContainsSubstring("3, 2"));
  CHECK(elements(a) == ints(6, 0));
}

TEMPLATE_TEST_CASE("views of every element width copy and fill", "", std::int8_t, std::uint16_t, float,
                   std::int64_t) {
  const array<TestType> a({5, 7});
  for (std::size_t i = 0; i < 35; ++i) a.flat()[i] = static_cast<TestType>(i);
  const auto odd = a.slice(1, 1, 7, 2).transpose();
  const auto copy = odd.copy();
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 5; ++j) CHECK(copy(i, j) == static_cast<TestType>(7 * j + 2 * i + 1));
  }
  odd.fill(TestType{100});
  CHECK(a(4, 5) == TestType{100});
  CHECK(a(4, 6) == TestType{34});
}

TEST_CASE("a view with a contiguous last dimension takes what has one") {
  using larder::inner;
  const auto a = counted({4, 5});
  for (const auto& view : {a, a.slice(0, 1, 4, 2), a.slice(1, 1, 4), a.slice(1, 2, 3), a.slice(1, 0, 5, 9)}) {
    const auto v = view.view<2, inner::contiguous>();
    CHECK(v.stride(1) == 1);
    CHECK(v.shape(0) == view.shape(0));
    CHECK(v.shape(1) == view.shape(1));
    for (std::size_t i = 0; i < view.shape(0); ++i) {
      for (std::size_t j = 0; j < view.shape(1); ++j) CHECK(&v(i, j) == &view(i, j));
    }
  }
  CHECK(a.slice(0, 2, 3).transpose().transpose().view<2, inner::contiguous>()(0, 4) == 14);
  CHECK(a.slice(1, 2, 2).transpose().view<2, inner::contiguous>().shape(0) == 0);  // without elements
  CHECK(a.reshape({2, 2, 5}).view<3, inner::contiguous>()(1, 1, 3) == 18);
  CHECK(a.sub(2).view<1, inner::contiguous>()(3) == 13);
}

TEST_CASE("a view with a contiguous last dimension refuses others and names the way out") {
  using larder::inner;
  const auto a = counted({4, 5});
  CHECK_THROWS_AS((a.transpose().view<2, inner::contiguous>()), larder::layout_error);
  CHECK_THROWS_AS((a.slice(1, 0, 5, 2).view<2, inner::contiguous>()), larder::layout_error);
  CHECK_THROWS_WITH((a.transpose().view<2, inner::contiguous>()),
                    ContainsSubstring("a.copy()") && ContainsSubstring("a.transpose()"));
  CHECK(a.transpose().transpose().view<2, inner::contiguous>()(3, 4) == 19);
}

TEST_CASE("a view converts to one that knows less and may do less") {
  using larder::array_view;
  using larder::inner;
  const auto a = counted({4, 5});
  const auto v = a.view<2, inner::contiguous>();
  const array_view<const int, 2> r = v;
  CHECK(r(3, 2) == 17);
  CHECK(r.stride(0) == 5);
  CHECK(r.stride(1) == 1);
  const array_view<const int, 2, inner::contiguous> c = v;
  CHECK(c(3, 2) == 17);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<array_view<const int, 2>, array_view<int, 2>>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<array_view<int, 2>, array_view<int, 2, inner::contiguous>>);
  STATIC_REQUIRE(std::is_trivially_copyable_v<array_view<int, 2, inner::contiguous>>);
}
