#pragma once
// Arrays as Eigen's matrices and the other way, without a copy. Not part of <larder/larder.hpp>: it needs Eigen 3.4.
//
//   auto m = larder::as_eigen(a);                        // any 1-d or 2-d array; m(i, j) is a(i, j)
//   auto f = larder::as_eigen<Eigen::VectorXd>(weights);  // as a type of Eigen's that you name
//   Eigen::VectorXd y = m * f;
//   larder::dump(larder::borrow_eigen(y), "y.npy");       // valid as long as y
//   larder::array<double> kept = larder::adopt_eigen(std::move(y));

#include <array>
#include <concepts>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include <Eigen/Core>

#include <larder/array.hpp>
#include <larder/error.hpp>
#include <larder/view.hpp>

namespace larder {

/// A scalar of Eigen's that is an element, too: all but the 16-bit floats.
template <class T>
concept eigen_scalar = element<T> && !std::same_as<T, half> && !std::same_as<T, bfloat16>;

namespace detail {

/// An Eigen::Matrix or Eigen::Array, which owns its coefficients.
template <class M>
concept eigen_plain = std::derived_from<M, Eigen::PlainObjectBase<M>> && eigen_scalar<typename M::Scalar>;

/// What has its coefficients in memory: these, and maps, blocks and references of them.
template <class M>
concept eigen_dense = std::derived_from<M, Eigen::DenseBase<M>> && eigen_scalar<typename M::Scalar> &&
    bool(M::Flags& Eigen::DirectAccessBit);

template <class T>
using eigen_matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

template <inner Inner>
using eigen_stride = std::conditional_t<Inner == inner::contiguous, Eigen::OuterStride<Eigen::Dynamic>,
                                        Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>>;

/// A map of the type M onto elements of type T; read-only if T is const.
template <class M, class T, inner Inner>
using eigen_map =
    Eigen::Map<std::conditional_t<std::is_const_v<T>, const M, M>, Eigen::Unaligned, eigen_stride<Inner>>;

[[noreturn]] inline void refuse_eigen(const std::string& why) { throw layout_error("as_eigen: " + why); }

/// Strides in bytes, and shape: of one dimension where the type says that M is a vector.
template <eigen_dense M>
layout layout_of_eigen(const M& m) {
  constexpr auto k_item = static_cast<std::ptrdiff_t>(sizeof(typename M::Scalar));
  const auto rows = static_cast<std::size_t>(m.rows());
  const auto columns = static_cast<std::size_t>(m.cols());
  if constexpr (bool(M::IsVectorAtCompileTime)) {
    const std::size_t size = rows * columns;
    const std::ptrdiff_t stride = m.innerStride() * k_item;
    return {std::span(&size, 1), std::span(&stride, 1)};
  } else {
    const std::array<std::size_t, 2> shape{rows, columns};
    const std::array<std::ptrdiff_t, 2> strides{m.rowStride() * k_item, m.colStride() * k_item};
    return {shape, strides};
  }
}

}  // namespace detail

/// An Eigen::Map onto a 1-d or 2-d array; of an array<const T> a read-only one. It does not keep the elements alive.
///
/// `Matrix` is the Eigen::Matrix or Eigen::Array that it looks like: by default one of dynamic sizes and row-major. A
/// 1-d array is one column, or one row where Matrix is a row vector. layout_error for other ranks, and where the
/// array has not the sizes that Matrix fixes.
///
/// Any strides will do, unless `Inner` is inner::contiguous: then the neighbours along Matrix's inner dimension (the row
/// of a row-major one, the column of a column-major one) have to be neighbours in memory, else layout_error, and Eigen
/// computes with its vector instructions. For an array in Fortran order a column-major Matrix, like Eigen::MatrixXd, has
/// the same order of elements.
template <class Matrix, inner Inner = inner::any, class T>
  requires(detail::eigen_plain<Matrix>&& std::same_as<typename Matrix::Scalar, std::remove_const_t<T>>)
detail::eigen_map<Matrix, T, Inner> as_eigen(const array<T>& a) {
  if (a.ndim() != 1 && a.ndim() != 2) {
    detail::refuse_eigen("a matrix has one or two dimensions, the array has " + std::to_string(a.ndim()) +
                         "; take a.sub(i), or a.reshape({rows, columns})");
  }
  constexpr auto k_item = static_cast<std::ptrdiff_t>(sizeof(T));
  const auto size = [&](std::size_t dim) { return static_cast<Eigen::Index>(a.shape(dim)); };
  Eigen::Index rows = size(0);
  Eigen::Index columns = 1;
  std::ptrdiff_t row_stride = a.strides()[0] / k_item;
  std::ptrdiff_t column_stride = row_stride * rows;
  if (a.ndim() == 2) {
    columns = size(1);
    column_stride = a.strides()[1] / k_item;
  } else if constexpr (Matrix::RowsAtCompileTime == 1) {
    std::swap(rows, columns);
    std::swap(row_stride, column_stride);
  }
  const auto fits = [](Eigen::Index n, int fixed, int most) {
    return (fixed == Eigen::Dynamic || n == fixed) && (most == Eigen::Dynamic || n <= most);
  };
  if (!fits(rows, Matrix::RowsAtCompileTime, Matrix::MaxRowsAtCompileTime) ||
      !fits(columns, Matrix::ColsAtCompileTime, Matrix::MaxColsAtCompileTime)) {
    detail::refuse_eigen("a matrix of " + std::to_string(rows) + " rows and " + std::to_string(columns) +
                         " columns does not fit the sizes of the matrix type that was asked for");
  }
  const std::ptrdiff_t inner_stride = Matrix::IsRowMajor ? column_stride : row_stride;
  const std::ptrdiff_t outer_stride = Matrix::IsRowMajor ? row_stride : column_stride;
  if constexpr (Inner == inner::contiguous) {
    const Eigen::Index along = Matrix::IsRowMajor ? columns : rows;
    if (inner_stride != 1 && along > 1 && a.size() > 0) {
      detail::refuse_eigen(std::string("neighbours along a ") + (Matrix::IsRowMajor ? "row" : "column") +
                           " are not neighbours in memory, as inner::contiguous needs; ask for a " +
                           (Matrix::IsRowMajor ? "column-major" : "row-major") +
                           " matrix type, for a map of any strides, or map a.copy()");
    }
    return {a.data(), rows, columns, detail::eigen_stride<Inner>(outer_stride)};
  } else {
    return {a.data(), rows, columns, detail::eigen_stride<Inner>(outer_stride, inner_stride)};
  }
}

/// The same as a row-major matrix of dynamic sizes.
template <inner Inner = inner::any, class T>
  requires eigen_scalar<std::remove_const_t<T>>
auto as_eigen(const array<T>& a) { return as_eigen<detail::eigen_matrix<std::remove_const_t<T>>, Inner>(a); }

/// An array on the coefficients of a matrix, a map, or a block of one: of one dimension where its type is a vector's, else
/// of two, in the order in which they lie in memory. It must not outlive them, nor see the matrix resized; of a const
/// one it is an array<const T>.
template <class M>
  requires(detail::eigen_dense<std::remove_cvref_t<M>> &&
           (std::is_lvalue_reference_v<M> || !detail::eigen_plain<std::remove_cvref_t<M>>))
auto borrow_eigen(M&& matrix) {
  using element_type = std::remove_pointer_t<decltype(matrix.data())>;
  using value_type = std::remove_const_t<element_type>;
  auto* data = const_cast<value_type*>(matrix.data());  // given to an array of element_type alone
  return detail::array_access::wrap<element_type>(
      {nullptr, reinterpret_cast<std::byte*>(data), dtype_of<value_type>, detail::layout_of_eigen(matrix)});
}

/// Takes over a matrix's coefficients without a copy, in their order; they live as long as the array and its views.
template <detail::eigen_plain M>
array<typename M::Scalar> adopt_eigen(M&& matrix) {
  using value_type = typename M::Scalar;
  auto kept = std::make_shared<M>(std::move(matrix));
  const auto size = static_cast<std::size_t>(kept->size());
  detail::raw_array raw =
      detail::borrow(kept->data(), size * sizeof(value_type), dtype_of<value_type>, extents(size), kept);
  raw.layout = detail::layout_of_eigen(*kept);
  return detail::array_access::wrap<value_type>(std::move(raw));
}

}  // namespace larder
