// Making arrays, their shapes and elements, and what const means.

#include <larder/array.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <larder/error.hpp>

#include "tests/catch.hpp"

using Catch::Matchers::ContainsSubstring;
using larder::array;
using larder::extents;

namespace {

template <class Range>
std::vector<std::size_t> sizes_of(const Range& range) {
  return {range.begin(), range.end()};
}

std::vector<std::ptrdiff_t> strides_of(const array<const double>& a) {
  return {a.strides().begin(), a.strides().end()};
}

}  // namespace

TEST_CASE("a new array is zeroed and row-major") {
  const array<double> a({3, 4, 5});
  CHECK(a.ndim() == 3);
  CHECK(sizes_of(a.shape()) == std::vector<std::size_t>{3, 4, 5});
  CHECK(a.shape(1) == 4);
  CHECK(strides_of(a) == std::vector<std::ptrdiff_t>{160, 40, 8});
  CHECK(a.size() == 60);
  CHECK(a.nbytes() == 480);
  CHECK(a.is_contiguous());
  for (const double x : a.flat()) CHECK(x == 0.0);
}

TEST_CASE("a large array is zeroed and begins on a page") {
  const array<std::int64_t> a({1 << 20});
  CHECK(reinterpret_cast<std::uintptr_t>(a.data()) % 4096 == 0);
  std::int64_t any = 0;
  for (const std::int64_t x : a.flat()) any |= x;
  CHECK(any == 0);
  a(a.size() - 1) = 7;
  CHECK(a.flat().back() == 7);
}

TEST_CASE("an uninitialized array has a shape and can be written") {
  const auto a = array<float>::uninitialized({2, 3});
  CHECK(sizes_of(a.shape()) == std::vector<std::size_t>{2, 3});
  a.fill(2.5F);
  for (const float x : a.flat()) CHECK(x == 2.5F);
}

TEST_CASE("a default array has one dimension without elements") {
  const array<int> a;
  CHECK(a.ndim() == 1);
  CHECK(a.shape(0) == 0);
  CHECK(a.size() == 0);
  CHECK(a.flat().empty());
}

TEST_CASE("an array without dimensions has one element") {
  const array<double> a{extents()};
  CHECK(a.ndim() == 0);
  CHECK(a.shape().empty());
  CHECK(a.strides().empty());
  CHECK(a.size() == 1);
  CHECK(a.nbytes() == 8);
  a() = 4.0;
  CHECK(a.at() == 4.0);
  CHECK(a.flat().size() == 1);
  CHECK(*a.data() == 4.0);
}

TEST_CASE("an array with a size of zero has no elements and keeps its shape") {
  const array<double> a({3, 0, 2});
  CHECK(sizes_of(a.shape()) == std::vector<std::size_t>{3, 0, 2});
  CHECK(a.size() == 0);
  CHECK(a.nbytes() == 0);
  CHECK(a.is_contiguous());
  CHECK(a.flat().empty());
  CHECK(a.copy().shape(0) == 3);
  a.fill(1.0);
  a.assign(array<double>({3, 0, 2}));
}

TEST_CASE("a shape is made of any integers") {
  const std::uint8_t small = 200;
  const extents e(small, 3L, 4ULL, static_cast<short>(5));
  CHECK(e.rank() == 4);
  CHECK(sizes_of(e.sizes()) == std::vector<std::size_t>{200, 3, 4, 5});
  CHECK(e.count() == 12000);
  CHECK(e == extents(200, 3, 4, 5));
  CHECK_FALSE(e == extents(200, 3, 4));
  CHECK_FALSE(e == extents(200, 3, 4, 6));
  const std::vector<std::size_t> sizes{200, 3, 4, 5};
  CHECK(e == extents(std::span(sizes)));
  CHECK(extents().count() == 1);
}

TEST_CASE("a size of 2^63 or more is refused with its value") {
  constexpr std::uint64_t k_limit = std::uint64_t{1} << 63;
  CHECK_THROWS_AS(extents(k_limit), larder::value_error);
  CHECK_THROWS_AS(extents(std::numeric_limits<std::uint64_t>::max()), larder::value_error);
  CHECK_THROWS_AS(extents(3, std::numeric_limits<unsigned long long>::max()), larder::value_error);
  CHECK_THROWS_WITH(extents(k_limit + 5), ContainsSubstring("9223372036854775813"));
  CHECK_THROWS_WITH(extents(static_cast<std::size_t>(-7)), ContainsSubstring("-7"));
  const std::vector<std::size_t> sizes{3, static_cast<std::size_t>(k_limit)};
  CHECK_THROWS_AS(extents(std::span(sizes)), larder::value_error);
  CHECK(extents(k_limit - 1).sizes()[0] == k_limit - 1);
  CHECK_THROWS_AS(array<double>({0, k_limit - 1, 2}), larder::value_error);
}

TEST_CASE("a negative size is refused with its value") {
  CHECK_THROWS_AS(extents(3, -7), larder::value_error);
  CHECK_THROWS_WITH(extents(3, -7), ContainsSubstring("-7"));
  CHECK_THROWS_AS(array<double>({-1}), larder::value_error);
  CHECK_THROWS_AS(extents(std::numeric_limits<std::int64_t>::min()), larder::value_error);
}

TEST_CASE("more than 32 dimensions are refused") {
  const std::vector<std::size_t> most(32, 1);
  CHECK(extents(std::span(most)).rank() == 32);
  const std::vector<std::size_t> more(33, 1);
  CHECK_THROWS_AS(extents(std::span(more)), larder::value_error);
  CHECK_THROWS_WITH(extents(std::span(more)), ContainsSubstring("33") && ContainsSubstring("32"));
}

TEST_CASE("a shape beyond the address space is refused before anything is allocated") {
  const std::uint64_t large = std::uint64_t{1} << 40;
  CHECK_THROWS_AS(extents(large, large).count(), larder::value_error);
  CHECK_THROWS_AS(array<std::uint8_t>({large, large}), larder::value_error);
  CHECK_THROWS_AS(array<double>({std::uint64_t{1} << 61}), larder::value_error);  // only the bytes overflow
  CHECK_THROWS_AS(array<std::uint8_t>({std::uint64_t{1} << 63}), larder::value_error);
  CHECK_THROWS_AS(array<double>::uninitialized({large, large}), larder::value_error);
}

TEST_CASE("a size of zero does not hide that the others overflow") {
  // Strides come from the other sizes, and no file could hold such a shape.
  const std::uint64_t large = std::uint64_t{1} << 40;
  CHECK_THROWS_AS(array<double>({std::uint64_t{0}, large, large}), larder::value_error);
  CHECK_THROWS_AS(array<double>({large, std::uint64_t{0}, large}), larder::value_error);
  CHECK_THROWS_AS(array<double>().reshape({std::uint64_t{0}, large, large}), larder::value_error);
  CHECK_THROWS_AS(array<double>::adopt({}, {large, large, std::uint64_t{0}}), larder::value_error);
}

TEST_CASE("elements are found by their indices") {
  const array<int> a({2, 3, 4});
  std::iota(a.flat().begin(), a.flat().end(), 0);
  CHECK(a(0, 0, 0) == 0);
  CHECK(a(0, 0, 3) == 3);
  CHECK(a(0, 2, 1) == 9);
  CHECK(a(1, 2, 3) == 23);
  CHECK(a.at(1, 0, 2) == 14);
  a(1, 1, 1) = -5;
  CHECK(a.flat()[17] == -5);
}

TEST_CASE("an index out of range is refused with the index and the shape") {
  const array<int> a({2, 3});
  CHECK_THROWS_AS(a.at(2, 0), larder::value_error);
  CHECK_THROWS_AS(a.at(0, 3), larder::value_error);
  CHECK_THROWS_AS(a.at(0, -1), larder::value_error);
  CHECK_THROWS_WITH(a.at(1, 17), ContainsSubstring("17") && ContainsSubstring("2, 3"));
  CHECK_NOTHROW(a.at(1, 2));
}

TEST_CASE("a wrong number of indices is refused") {
  const array<int> a({2, 3});
  CHECK_THROWS_AS(a.at(1), larder::value_error);
  CHECK_THROWS_AS(a.at(), larder::value_error);
  CHECK_THROWS_AS(a.at(0, 0, 0), larder::value_error);
  CHECK_THROWS_AS(array<int>().at(0), larder::value_error);
}

TEST_CASE("arrays of 5 to 32 dimensions find their elements") {
  for (std::size_t rank = 5; rank <= larder::k_max_rank; ++rank) {
    CAPTURE(rank);
    // Size 1 but for a few dimensions: at most 16 elements.
    std::vector<std::size_t> sizes(rank, 1);
    for (const std::size_t d : {std::size_t{0}, std::size_t{3}, rank - 2, rank - 1}) sizes[d] = 2;
    const array<int> a{extents(std::span(sizes))};
    REQUIRE(a.ndim() == rank);
    CHECK(sizes_of(a.shape()) == sizes);
    CHECK(a.size() == extents(std::span(sizes)).count());
    std::iota(a.flat().begin(), a.flat().end(), 0);
    array<int> rest = a;
    while (rest.ndim() > 0) rest = rest.sub(rest.shape(0) - 1);
    CHECK(rest() == static_cast<int>(a.size()) - 1);
    CHECK(a.copy().flat()[a.size() / 2] == static_cast<int>(a.size()) / 2);
    CHECK(a.transpose().shape(0) == sizes.back());
  }
}

TEST_CASE("as many indices as there are dimensions reach the elements up to 32") {
  const auto check = []<std::size_t... D>(std::index_sequence<D...>) {
    const array<int> a({(D == 0 || D + 1 == sizeof...(D) ? 3 : 1)...});
    std::iota(a.flat().begin(), a.flat().end(), 0);
    CHECK(a((D == 0 ? 2 : D + 1 == sizeof...(D) ? 1 : 0)...) == 7);
    CHECK(a.at((D == 0 ? 1 : D + 1 == sizeof...(D) ? 2 : 0)...) == 5);
    CHECK_THROWS_AS(a.at((D + 1 == sizeof...(D) ? 3 : 0)...), larder::value_error);
    CHECK_THROWS_AS(a.at((D == 1 ? 1 : 0)...), larder::value_error);
  };
  check(std::make_index_sequence<4>());
  check(std::make_index_sequence<5>());
  check(std::make_index_sequence<32>());
}

TEST_CASE("adopting a vector copies nothing and keeps it") {
  std::vector<double> v{1, 2, 3, 4, 5, 6};
  const double* where = v.data();
  auto a = array<double>::adopt(std::move(v), {2, 3});
  CHECK(a.data() == where);
  CHECK(a(1, 2) == 6.0);
  const auto row = a.sub(1);
  a = array<double>();
  CHECK(row(0) == 4.0);
  const auto fixed = array<const double>::adopt(std::vector<double>{7.0}, extents());
  CHECK(fixed() == 7.0);
}

TEST_CASE("borrowing copies nothing and writes through") {
  std::vector<int> v{1, 2, 3, 4};
  const auto a = array<int>::borrow(v, {2, 2});
  a(1, 0) = 30;
  CHECK(v[2] == 30);
  v[0] = 10;
  CHECK(a(0, 0) == 10);
  const auto fixed = array<const int>::borrow(v, {4});
  CHECK(fixed.data() == v.data());
}

TEST_CASE("a borrowed array and its views keep their owner alive") {
  auto owner = std::make_shared<std::vector<int>>(6, 1);
  const std::weak_ptr<std::vector<int>> watched = owner;
  auto a = array<int>::borrow(*owner, {2, 3}, owner);
  owner.reset();
  CHECK_FALSE(watched.expired());
  auto row = a.sub(1);
  a = array<int>();
  CHECK_FALSE(watched.expired());
  CHECK(row(2) == 1);
  row = array<int>();
  CHECK(watched.expired());
}

TEST_CASE("an array made from a span is a copy") {
  std::vector<float> v{1, 2, 3, 4};
  const auto a = array<float>::from(v, {2, 2});
  v[3] = 40;
  CHECK(a(1, 1) == 4.0F);
  CHECK(array<const float>::from(v, {4})(3) == 40.0F);
}

TEST_CASE("memory that does not match the shape is refused with both sizes") {
  std::vector<double> v(6);
  CHECK_THROWS_AS(array<double>::borrow(v, {7}), larder::value_error);
  CHECK_THROWS_AS(array<double>::borrow(v, {5}), larder::value_error);
  CHECK_THROWS_AS(array<double>::from(v, {2, 2}), larder::value_error);
  CHECK_THROWS_AS(array<double>::from(v, {std::uint64_t{1} << 40, std::uint64_t{1} << 40}),
                  larder::value_error);
  CHECK_THROWS_WITH(array<double>::from(v, {2, 2}), ContainsSubstring("2, 2") && ContainsSubstring("6"));
  CHECK_THROWS_AS(array<double>::adopt(std::move(v), {3}), larder::value_error);
}

TEST_CASE("adopting a vector under a wrong shape leaves the vector as it was") {
  std::vector<double> v{1, 2, 3};
  const double* where = v.data();
  CHECK_THROWS_AS(array<double>::adopt(std::move(v), {2, 2}), larder::value_error);
  CHECK_THROWS_AS(array<double>::adopt(std::move(v), {0}), larder::value_error);
  CHECK(v == std::vector<double>{1, 2, 3});  // NOLINT(bugprone-use-after-move)
  CHECK(v.data() == where);
}

TEST_CASE("copying a handle shares the elements") {
  const array<int> a({3});
  const array<int> b = a;  // NOLINT(performance-unnecessary-copy-initialization)
  b(1) = 9;
  CHECK(a(1) == 9);
  array<const int> c = a;
  CHECK(c.data() == a.data());
  array<int> d({1});
  c = d;
  CHECK(c.data() == d.data());
  const array<const int> e = std::move(d);
  CHECK(e.data() == c.data());
}

TEST_CASE("a moved-from array is an empty one, whatever its rank") {
  const std::size_t rank = GENERATE(0U, 1U, 2U, 4U, 5U, 6U, 32U);
  CAPTURE(rank);
  const std::vector<std::size_t> sizes(rank, 1);
  const auto check_empty = [](const auto& a) {
    CHECK(a.ndim() == 1);
    CHECK(sizes_of(a.shape()) == std::vector<std::size_t>{0});
    CHECK(a.strides().size() == 1);
    CHECK(a.size() == 0);
    CHECK(a.nbytes() == 0);
    CHECK(a.is_contiguous());
    CHECK(a.flat().empty());
    CHECK(a.copy().size() == 0);
    CHECK(a.transpose().size() == 0);
    CHECK_THROWS_AS(a.at(0), larder::value_error);
    CHECK_FALSE(a.is_mapped());
  };
  const auto check_whole = [&](const auto& a) {
    CHECK(sizes_of(a.shape()) == sizes);
    REQUIRE(a.size() == 1);
    CHECK(*a.data() == 7);
  };

  array<double> a{extents(std::span(sizes))};
  a.fill(7);
  array<double> moved(std::move(a));
  check_whole(moved);
  check_empty(a);  // NOLINT(bugprone-use-after-move): that is what is tested

  array<double> assigned({2, 3, 1, 1, 1, 1});
  assigned = std::move(moved);
  check_whole(assigned);
  check_empty(moved);  // NOLINT(bugprone-use-after-move)

  array<const double> converted(std::move(assigned));
  check_whole(converted);
  check_empty(assigned);  // NOLINT(bugprone-use-after-move)

  array<const double> last;
  last = std::move(converted);
  check_whole(last);
  check_empty(converted);  // NOLINT(bugprone-use-after-move)
  converted = last;        // it is used again like any other
  check_whole(converted);
}

TEST_CASE("an array that is moved to itself keeps its elements") {
  array<double> a({1, 2, 1, 1, 1, 1});
  array<double>& same = a;
  a = std::move(same);
  CHECK(a.ndim() == 6);
  CHECK(a.size() == 2);
}

TEST_CASE("constness is shallow and never lost") {
  STATIC_REQUIRE(std::is_same_v<decltype(std::declval<const array<double>&>()(0)), double&>);
  STATIC_REQUIRE(std::is_same_v<decltype(std::declval<const array<double>&>().data()), double*>);
  STATIC_REQUIRE(std::is_same_v<decltype(std::declval<array<const double>&>()(0)), const double&>);
  STATIC_REQUIRE(std::is_same_v<decltype(std::declval<array<const double>&>().at(0)), const double&>);
  STATIC_REQUIRE(std::is_same_v<decltype(std::declval<array<const double>&>().data()), const double*>);
  STATIC_REQUIRE(
      std::is_same_v<decltype(std::declval<array<const double>&>().flat()), std::span<const double>>);
  STATIC_REQUIRE(std::is_same_v<decltype(std::declval<array<const double>&>().sub(0)), array<const double>>);
  STATIC_REQUIRE(
      std::is_same_v<decltype(std::declval<array<const double>&>().slice(0, 0, 1)), array<const double>>);
  STATIC_REQUIRE(
      std::is_same_v<decltype(std::declval<array<const double>&>().reshape({1})), array<const double>>);
  STATIC_REQUIRE(
      std::is_same_v<decltype(std::declval<array<const double>&>().transpose()), array<const double>>);
  STATIC_REQUIRE(std::is_same_v<decltype(std::declval<array<const double>&>().view<1>()(0)), const double&>);
  STATIC_REQUIRE(std::is_same_v<decltype(std::declval<array<const double>&>().copy()), array<double>>);

  STATIC_REQUIRE(std::is_convertible_v<array<double>, array<const double>>);
  STATIC_REQUIRE_FALSE(std::is_constructible_v<array<double>, array<const double>>);
  STATIC_REQUIRE_FALSE(std::is_constructible_v<array<double>, const array<const double>&>);
  STATIC_REQUIRE_FALSE(std::is_assignable_v<array<double>&, array<const double>>);
  STATIC_REQUIRE_FALSE(std::is_constructible_v<array<const double>, array<float>>);
  STATIC_REQUIRE_FALSE(std::is_constructible_v<array<double>, array<std::int64_t>>);
}

TEST_CASE("a read-only array has no members that write") {
  const auto fills = [](auto a) {
    return requires { a.fill(1.0); };
  };
  const auto assigns = [](auto a) {
    return requires { a.assign(a); };
  };
  CHECK(fills(array<double>()));
  CHECK(assigns(array<double>()));
  CHECK_FALSE(fills(array<const double>()));
  CHECK_FALSE(assigns(array<const double>()));
  STATIC_REQUIRE_FALSE(std::is_constructible_v<array<const double>, extents>);
}

TEST_CASE("only a named array can be assigned to") {
  STATIC_REQUIRE(std::is_assignable_v<array<double>&, array<double>>);
  STATIC_REQUIRE(std::is_assignable_v<array<const double>&, array<double>>);
  STATIC_REQUIRE_FALSE(std::is_assignable_v<array<double>, array<double>>);
  STATIC_REQUIRE_FALSE(std::is_assignable_v<array<double>, const array<double>&>);
}

TEST_CASE("a shape is not taken for an element and an element is not taken for a shape") {
  STATIC_REQUIRE_FALSE(std::is_convertible_v<int, array<double>>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<extents, array<double>>);
  CHECK(array<double>({5}).size() == 5);
}

TEST_CASE("a shape can be written with zeros, which are not null pointers") {
  const auto shapes = []<class A>(const A&) -> std::vector<std::vector<std::size_t>> {
    if constexpr (requires { A({0}), A({0, 0}), A({0, 3}), A({3, 0}); }) {
      std::vector<std::vector<std::size_t>> found;
      for (const A& a : {A({0}), A({0, 0}), A({0, 3}), A({3, 0})}) found.push_back(sizes_of(a.shape()));
      return found;
    } else {
      return {};  // it does not compile
    }
  };
  CHECK(shapes(array<double>()) == std::vector<std::vector<std::size_t>>{{0}, {0, 0}, {0, 3}, {3, 0}});
}

TEST_CASE("every integer type maps to the element type of its width and sign") {
  STATIC_REQUIRE(larder::dtype_of<long> == larder::dtype_of<long long>);
  STATIC_REQUIRE(larder::dtype_of<const unsigned long long> == larder::dtype::u64);
  STATIC_REQUIRE(larder::dtype_of<std::int8_t> == larder::dtype::i8);
  STATIC_REQUIRE(larder::dtype_of<std::uint16_t> == larder::dtype::u16);
  STATIC_REQUIRE(larder::dtype_of<float> == larder::dtype::f32);
  STATIC_REQUIRE_FALSE(larder::element<int*>);
  STATIC_REQUIRE_FALSE(larder::element<long double>);
  for (const auto& [type, size, text] :
       std::vector<std::tuple<larder::dtype, std::size_t, std::string>>{{larder::dtype::i8, 1, "i8"},
                                                                        {larder::dtype::i16, 2, "i16"},
                                                                        {larder::dtype::i32, 4, "i32"},
                                                                        {larder::dtype::i64, 8, "i64"},
                                                                        {larder::dtype::u8, 1, "u8"},
                                                                        {larder::dtype::u16, 2, "u16"},
                                                                        {larder::dtype::u32, 4, "u32"},
                                                                        {larder::dtype::u64, 8, "u64"},
                                                                        {larder::dtype::f32, 4, "f32"},
                                                                        {larder::dtype::f64, 8, "f64"}}) {
    CHECK(larder::item_size(type) == size);
    CHECK(larder::name(type) == text);
  }
}

TEST_CASE("memory of the program is not mapped") {
  CHECK_FALSE(array<double>({10}).is_mapped());
  CHECK_FALSE(array<double>({1 << 20}).origin().has_value());
  std::vector<double> v(3);
  CHECK_FALSE(array<double>::borrow(v, {3}).is_mapped());
}
