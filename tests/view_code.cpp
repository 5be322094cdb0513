// Loops over views and over raw pointers, for test_view_code.py, which compares the instructions of each pair.

#include <cstddef>
#include <cstdint>

#include <larder/array.hpp>

using larder::array_view;
using larder::inner;
using std::ptrdiff_t;
using std::size_t;

extern "C" {

// A view by value, and an array whose view is taken here: both are what programs do.

double sum_view(array_view<const double, 1, inner::contiguous> v) {
  double sum = 0;
  for (size_t i = 0; i < v.shape(0); ++i) sum += v(i);
  return sum;
}
double sum_raw(const double* v, size_t n) {
  double sum = 0;
  for (size_t i = 0; i < n; ++i) sum += v[i];
  return sum;
}

std::int64_t count_view(array_view<const std::int64_t, 1, inner::contiguous> v) {
  std::int64_t sum = 0;
  for (size_t i = 0; i < v.shape(0); ++i) sum += v(i);
  return sum;
}
std::int64_t count_raw(const std::int64_t* v, size_t n) {
  std::int64_t sum = 0;
  for (size_t i = 0; i < n; ++i) sum += v[i];
  return sum;
}

void axpy_view(float a, array_view<const float, 1, inner::contiguous> x,
               array_view<float, 1, inner::contiguous> y) {
  for (size_t i = 0; i < y.shape(0); ++i) y(i) += a * x(i);
}
void axpy_raw(float a, const float* x, float* y, size_t n) {
  for (size_t i = 0; i < n; ++i) y[i] += a * x[i];
}

void stencil_view(array_view<const double, 2, inner::contiguous> u,
                  array_view<double, 2, inner::contiguous> v) {
  for (size_t i = 1; i + 1 < v.shape(0); ++i) {
    for (size_t j = 1; j + 1 < v.shape(1); ++j) {
      v(i, j) = 0.25 * (u(i - 1, j) + u(i + 1, j) + u(i, j - 1) + u(i, j + 1));
    }
  }
}
void stencil_raw(const double* u, ptrdiff_t su, double* v, ptrdiff_t sv, size_t n, size_t m) {
  for (size_t i = 1; i + 1 < n; ++i) {
    const double* row = u + static_cast<ptrdiff_t>(i) * su;
    const double* above = u + static_cast<ptrdiff_t>(i - 1) * su;
    const double* below = u + static_cast<ptrdiff_t>(i + 1) * su;
    double* out = v + static_cast<ptrdiff_t>(i) * sv;
    for (size_t j = 1; j + 1 < m; ++j) out[j] = 0.25 * (above[j] + below[j] + row[j - 1] + row[j + 1]);
  }
}

void product_view(array_view<const double, 2, inner::contiguous> a,
                  array_view<const double, 2, inner::contiguous> b,
                  array_view<double, 2, inner::contiguous> c) {
  for (size_t i = 0; i < c.shape(0); ++i) {
    for (size_t k = 0; k < b.shape(0); ++k) {
      const double aik = a(i, k);
      for (size_t j = 0; j < c.shape(1); ++j) c(i, j) += aik * b(k, j);
    }
  }
}
void product_raw(const double* a, ptrdiff_t sa, const double* b, ptrdiff_t sb, double* c, ptrdiff_t sc,
                 size_t n, size_t l, size_t m) {
  for (size_t i = 0; i < n; ++i) {
    double* out = c + static_cast<ptrdiff_t>(i) * sc;
    for (size_t k = 0; k < l; ++k) {
      const double aik = a[static_cast<ptrdiff_t>(i) * sa + static_cast<ptrdiff_t>(k)];
      const double* row = b + static_cast<ptrdiff_t>(k) * sb;
      for (size_t j = 0; j < m; ++j) out[j] += aik * row[j];
    }
  }
}

// Any stride: as raw pointers with strides.
double strided_view(array_view<const double, 2> v) {
  double sum = 0;
  for (size_t i = 0; i < v.shape(0); ++i) {
    for (size_t j = 0; j < v.shape(1); ++j) sum += v(i, j);
  }
  return sum;
}
double strided_raw(const double* v, ptrdiff_t s0, ptrdiff_t s1, size_t n, size_t m) {
  double sum = 0;
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < m; ++j) sum += v[static_cast<ptrdiff_t>(i) * s0 + static_cast<ptrdiff_t>(j) * s1];
  }
  return sum;
}

// Writing integers of the type of the view's own sizes must not make it read those again.
void shift_view(const larder::array<size_t>& a) {
  const auto v = a.view<1, inner::contiguous>();
  for (size_t i = 0; i < v.shape(0); ++i) v(i) += 3;
}
void shift_raw(size_t* v, size_t n) {
  for (size_t i = 0; i < n; ++i) v[i] += 3;
}
}
