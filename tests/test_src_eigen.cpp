// Arrays as Eigen's matrices, and the other way.

#include <larder/interop/eigen.hpp>

#include <complex>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <numeric>
#include <type_traits>
#include <utility>
#include <vector>

#include <Eigen/Dense>

#include <larder/dump.hpp>
#include <larder/load.hpp>

#include "tests/catch.hpp"
#include "tests/scratch_dir.hpp"

using Catch::Matchers::ContainsSubstring;
using larder::adopt_eigen;
using larder::array;
using larder::as_eigen;
using larder::borrow_eigen;
using larder::inner;

namespace {

template <class T = double>
array<T> counted(const larder::extents& shape) {
  const array<T> a(shape);
  for (std::size_t i = 0; i < a.size(); ++i) {
    if constexpr (std::is_same_v<T, bool>) {
      a.flat()[i] = i % 2 == 1;
    } else if constexpr (std::is_arithmetic_v<T>) {
      a.flat()[i] = static_cast<T>(i);
    } else {
      a.flat()[i] = static_cast<typename T::value_type>(i);
    }
  }
  return a;
}

/// The same elements at the same indices and the same addresses.
template <class T, class M>
bool is_same(const array<T>& a, const M& m) {
  bool same =
      static_cast<std::size_t>(m.rows()) == a.shape(0) && static_cast<std::size_t>(m.cols()) == a.shape(1);
  for (std::size_t i = 0; same && i < a.shape(0); ++i) {
    for (std::size_t j = 0; same && j < a.shape(1); ++j) {
      same = &m.coeffRef(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(j)) == &a(i, j);
    }
  }
  return same;
}

std::vector<std::size_t> shape_of(const auto& a) { return {a.shape().begin(), a.shape().end()}; }
using sizes = std::vector<std::size_t>;

}  // namespace

TEMPLATE_TEST_CASE("an array of every scalar of Eigen's is mapped in place", "", bool, std::int8_t,
                   std::int16_t, std::int32_t, std::int64_t, std::uint8_t, std::uint16_t, std::uint32_t,
                   std::uint64_t, float, double, std::complex<float>, std::complex<double>) {
  const auto a = counted<TestType>({3, 4});
  const auto m = as_eigen(a);
  CHECK(is_same(a, m));
  CHECK(m(1, 2) == a(1, 2));
  const Eigen::Matrix<TestType, Eigen::Dynamic, Eigen::Dynamic> copy = m;
  CHECK(borrow_eigen(copy)(2, 3) == a(2, 3));
}

TEST_CASE("views of an array are mapped in place whatever their strides") {
  const auto a = counted({6, 8});
  for (const auto& view :
       {a, a.transpose(), a.slice(0, 1, 6, 2), a.slice(1, 2, 7, 3), a.slice(0, 5, 6), a.slice(1, 7, 8),
        a.slice(1, 1, 8, 2).slice(0, 0, 6, 5).transpose(), a.slice(0, 2, 2)}) {
    CAPTURE(shape_of(view));
    CHECK(is_same(view, as_eigen(view)));
    CHECK(is_same(view, as_eigen<Eigen::MatrixXd>(view)));
    CHECK(is_same(view, as_eigen<Eigen::ArrayXXd>(view)));
  }
}

TEST_CASE("what is written to the map is in the array") {
  const auto a = counted({3, 4});
  as_eigen(a.slice(1, 0, 4, 2)).row(1).setConstant(-1);
  CHECK(a(1, 0) == -1);
  CHECK(a(1, 1) == 5);
  CHECK(a(1, 2) == -1);
  as_eigen(a.transpose()) *= 2.0;
  CHECK(a(2, 3) == 22);
}

TEST_CASE("the map of a read-only array is read-only") {
  const array<const double> a = counted({3, 4});
  const auto m = as_eigen(a);
  CHECK(m(2, 3) == 11);
  STATIC_REQUIRE(std::is_same_v<decltype(m.data()), const double*>);
  STATIC_REQUIRE(std::is_same_v<decltype(as_eigen<Eigen::MatrixXd>(a).data()), const double*>);
}

TEST_CASE("an array of one dimension is a column, or a row where that is asked for") {
  const auto a = counted({5});
  CHECK(as_eigen(a).rows() == 5);
  CHECK(as_eigen(a).cols() == 1);
  CHECK(as_eigen(a)(3, 0) == 3);
  CHECK(as_eigen<Eigen::VectorXd>(a).dot(as_eigen<Eigen::VectorXd>(a)) == 30);
  CHECK(as_eigen<Eigen::RowVectorXd>(a).cols() == 5);
  CHECK(as_eigen<Eigen::VectorXd>(a.slice(0, 1, 5, 3))(1) == 4);
  CHECK(as_eigen<Eigen::RowVectorXd>(a.slice(0, 1, 5, 3))(1) == 4);
  CHECK(as_eigen<Eigen::VectorXd, inner::contiguous>(a)(4) == 4);
  CHECK(as_eigen(a.slice(0, 0, 0)).size() == 0);
  // One column and one row of two dimensions, too.
  const auto b = counted({4, 6});
  CHECK(as_eigen<Eigen::VectorXd>(b.slice(1, 2, 3))(3) == 20);
  CHECK(as_eigen<Eigen::RowVectorXd>(b.slice(0, 2, 3))(3) == 15);
}

TEST_CASE("a matrix type of fixed sizes takes arrays of these sizes only") {
  const auto a = counted({3, 4});
  CHECK(as_eigen<Eigen::Matrix<double, 3, 4>>(a)(2, 3) == 11);
  CHECK_THROWS_AS(as_eigen<Eigen::Matrix3d>(a), larder::layout_error);
  CHECK_THROWS_WITH(as_eigen<Eigen::Matrix3d>(a), ContainsSubstring("3 rows and 4 columns"));
  CHECK_THROWS_AS(as_eigen<Eigen::VectorXd>(a), larder::layout_error);
  CHECK_THROWS_AS(as_eigen<Eigen::RowVectorXd>(a), larder::layout_error);
  CHECK_THROWS_AS((as_eigen<Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, 0, 2, 9>>(a)),
                  larder::layout_error);
}

TEST_CASE("arrays of other ranks are refused with the way out") {
  CHECK_THROWS_AS(as_eigen(counted({})), larder::layout_error);
  CHECK_THROWS_AS(as_eigen(counted({2, 3, 4})), larder::layout_error);
  CHECK_THROWS_WITH(as_eigen(counted({2, 3, 4})), ContainsSubstring("3") && ContainsSubstring("a.sub"));
}

TEST_CASE("a map that knows its inner stride needs the array in the order of the matrix") {
  const auto a = counted({3, 4});
  const auto m = as_eigen<inner::contiguous>(a);
  CHECK(is_same(a, m));
  STATIC_REQUIRE(decltype(m)::InnerStrideAtCompileTime == 1);
  CHECK(is_same(a.slice(1, 1, 3), as_eigen<inner::contiguous>(a.slice(1, 1, 3))));
  CHECK(is_same(a.slice(0, 0, 3, 2), as_eigen<inner::contiguous>(a.slice(0, 0, 3, 2))));
  CHECK_THROWS_AS(as_eigen<inner::contiguous>(a.transpose()), larder::layout_error);
  CHECK_THROWS_WITH(as_eigen<inner::contiguous>(a.transpose()), ContainsSubstring("column-major"));
  CHECK_THROWS_AS(as_eigen<inner::contiguous>(a.slice(1, 0, 4, 2)), larder::layout_error);
  CHECK_THROWS_AS((as_eigen<Eigen::MatrixXd, inner::contiguous>(a)), larder::layout_error);
  // One row is in either order, and so is what has no elements.
  CHECK(is_same(a.slice(0, 1, 2), as_eigen<Eigen::MatrixXd, inner::contiguous>(a.slice(0, 1, 2))));
  CHECK(as_eigen<inner::contiguous>(a.transpose().slice(0, 0, 0)).size() == 0);
}

TEST_CASE("arrays in Fortran order are column-major matrices, and the other way") {
  scratch_dir dir;
  larder::dump(counted({4, 3}).transpose(), dir / "f.npy");
  const auto f = larder::load<array<const double>>(dir / "f.npy");
  REQUIRE(f.is_mapped());
  const auto m = as_eigen<Eigen::MatrixXd, inner::contiguous>(f);
  CHECK(m.outerStride() == 3);
  CHECK(m(2, 3) == 11);

  Eigen::MatrixXd e(2, 3);
  e << 1, 2, 3, 4, 5, 6;
  const auto a = borrow_eigen(e);
  CHECK(shape_of(a) == sizes{2, 3});
  CHECK(a(1, 0) == 4);
  CHECK_FALSE(a.is_contiguous());
  CHECK(a.transpose().is_contiguous());
  larder::dump(a, dir / "e.npy", {.bare_npy = true});
  const auto back = larder::load<array<const double>>(dir / "e.npy");
  CHECK(back.transpose().is_contiguous());
  CHECK(as_eigen<Eigen::MatrixXd, inner::contiguous>(back) == e);
}

TEST_CASE("a borrowed matrix shares its coefficients") {
  Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> e(3, 5);
  e.setRandom();
  const array<float> a = borrow_eigen(e);
  CHECK(a.data() == e.data());
  CHECK(a.is_contiguous());
  a(2, 4) = 7;
  CHECK(e(2, 4) == 7);
  CHECK(is_same(a, as_eigen(a)));

  const auto& read_only = e;
  STATIC_REQUIRE(std::is_same_v<decltype(borrow_eigen(read_only)), array<const float>>);
  CHECK(borrow_eigen(read_only).data() == e.data());
}

TEST_CASE("vectors, blocks and maps of Eigen's are borrowed with their strides") {
  Eigen::MatrixXd e(4, 5);
  for (Eigen::Index i = 0; i < e.size(); ++i) e(i) = static_cast<double>(i);

  Eigen::VectorXd v = e.col(1);
  CHECK(shape_of(borrow_eigen(v)) == sizes{4});
  CHECK(borrow_eigen(v)(2) == 6);

  auto column = e.col(2);
  CHECK(shape_of(borrow_eigen(column)) == sizes{4});
  CHECK(borrow_eigen(column).is_contiguous());
  CHECK(&borrow_eigen(column)(3) == &e(3, 2));
  auto row = e.row(3);
  CHECK(shape_of(borrow_eigen(row)) == sizes{5});
  CHECK(&borrow_eigen(row)(4) == &e(3, 4));

  const auto block = borrow_eigen(e.block(1, 2, 2, 3));
  CHECK(shape_of(block) == sizes{2, 3});
  CHECK(&block(1, 2) == &e(2, 4));

  std::vector<double> memory(20);
  std::iota(memory.begin(), memory.end(), 0.0);
  const Eigen::Map<const Eigen::MatrixXd, 0, Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>> map(
      memory.data(), 2, 3, Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>(6, 2));
  const array<const double> mapped = borrow_eigen(map);
  CHECK(mapped(1, 2) == 14);
  CHECK(mapped.data() == memory.data());

  Eigen::Array<std::int32_t, 2, 2> fixed;
  fixed << 1, 2, 3, 4;
  CHECK(borrow_eigen(fixed)(1, 0) == 3);
  Eigen::MatrixXd none(0, 3);
  CHECK(shape_of(borrow_eigen(none)) == sizes{0, 3});
}

TEST_CASE("an adopted matrix lives as long as the array and its views") {
  Eigen::MatrixXcd e(3, 2);
  e << 1, 2, 3, 4, 5, std::complex<double>(6, -1);
  const auto* coefficients = e.data();
  auto a = adopt_eigen(std::move(e));
  STATIC_REQUIRE(std::is_same_v<decltype(a), array<std::complex<double>>>);
  CHECK(a.data() == coefficients);
  CHECK(shape_of(a) == sizes{3, 2});
  CHECK(a.transpose().is_contiguous());
  const auto view = a.sub(2);
  a = array<std::complex<double>>();
  CHECK(view(1) == std::complex<double>(6, -1));

  const auto v = adopt_eigen(Eigen::VectorXf(Eigen::VectorXf::LinSpaced(4, 0, 3)));
  CHECK(shape_of(v) == sizes{4});
  CHECK(v(3) == 3);
  CHECK(shape_of(adopt_eigen(Eigen::MatrixXd())) == sizes{0, 0});
  CHECK(adopt_eigen(Eigen::Matrix4d(Eigen::Matrix4d::Identity()))(3, 3) == 1);
}
