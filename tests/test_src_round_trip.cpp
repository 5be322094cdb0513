// What is dumped is what is loaded: every element type, order, shape and mode.

#include <larder/dump.hpp>
#include <larder/load.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <span>
#include <vector>

#include "tests/catch.hpp"
#include "tests/scratch_dir.hpp"

using larder::array;
using larder::extents;
using larder::load;
using larder::mmap_mode;

namespace {

const std::vector<std::vector<std::size_t>> k_shapes = {
    {}, {0}, {1}, {7}, {3, 4}, {1, 5}, {0, 3}, {3, 0}, {2, 3, 4}, {2, 2, 2, 2, 2, 3}};

/// Elements with the extremes of their type among them.
template <class T>
array<T> filled(const std::vector<std::size_t>& shape) {
  const array<T> a{extents(std::span(shape))};
  using limits = std::numeric_limits<T>;
  const std::vector<T> special = {limits::max(), limits::lowest(), limits::min(), static_cast<T>(-1)};
  for (std::size_t i = 0; i < a.size(); ++i) {
    a.flat()[i] = i % 3 == 1 ? special[i / 3 % special.size()] : static_cast<T>(i);
  }
  return a;
}

/// The same elements, the first dimension fastest.
template <class T>
array<T> in_fortran_order(const array<T>& a) {
  return a.transpose().copy().transpose();
}

template <class T, class U>
void check_same(const array<T>& found, const array<U>& expected) {
  REQUIRE(std::vector<std::size_t>(found.shape().begin(), found.shape().end()) ==
          std::vector<std::size_t>(expected.shape().begin(), expected.shape().end()));
  CHECK(found.is_contiguous() == expected.is_contiguous());
  CHECK(found.transpose().is_contiguous() == expected.transpose().is_contiguous());
  const auto f = found.copy();
  const auto e = expected.copy();
  CHECK((f.size() == 0 || std::memcmp(f.data(), e.data(), f.nbytes()) == 0));
}

/// Expects what a contiguous array was dumped as in every mode.
template <class T>
void check_all_modes(const std::filesystem::path& path, const array<T>& expected) {
  check_same(load<array<const T>>(path), expected);
  check_same(load<array<T>>(path), expected);
  check_same(load<array<const T>>(path, {.mmap_mode = mmap_mode::none}), expected);
  check_same(load<array<T>>(path, {.mmap_mode = mmap_mode::none}), expected);
  check_same(load<array<const T>>(path, {.mmap_mode = mmap_mode::read}), expected);
  check_same(load<array<const T>>(path, {.mmap_mode = mmap_mode::copy_on_write}), expected);
  check_same(load<array<T>>(path, {.mmap_mode = mmap_mode::copy_on_write}), expected);
  check_same(load<array<T>>(path, {.mmap_mode = mmap_mode::read_write}), expected);
  check_same(load<array<const T>>(path), expected);  // and after read_write
}

}  // namespace

TEMPLATE_TEST_CASE("every array comes back in every mode", "", std::int8_t, std::int16_t, std::int32_t,
                   std::int64_t, std::uint8_t, std::uint16_t, std::uint32_t, std::uint64_t, float, double) {
  using T = TestType;
  scratch_dir dir;
  const auto path = dir / "a.npy";
  for (const auto& shape : k_shapes) {
    CAPTURE(shape);
    const auto c_order = filled<T>(shape);
    const auto f_order = in_fortran_order(c_order);
    for (const bool bare : {false, true}) {
      CAPTURE(bare);
      larder::dump(c_order, path, {.bare_npy = bare});
      check_all_modes(path, c_order);
      larder::dump(f_order, path, {.bare_npy = bare});
      check_all_modes(path, f_order);
    }
  }
}

TEMPLATE_TEST_CASE("every vector comes back", "", std::int8_t, std::uint16_t, std::int32_t, float, double) {
  scratch_dir dir;
  const auto path = dir / "v.npy";
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{1000}}) {
    std::vector<TestType> v(size);
    for (std::size_t i = 0; i < size; ++i) v[i] = static_cast<TestType>(i % 100);
    larder::dump(v, path);
    CHECK(load<std::vector<TestType>>(path) == v);
    CHECK(load<array<const TestType>>(path).size() == size);
    larder::dump(array<TestType>::from(v, {size}), path);
    CHECK(load<std::vector<TestType>>(path) == v);
  }
}

TEST_CASE("a NaN keeps its payload") {
  scratch_dir dir;
  const std::uint64_t bits = 0x7ff4dead0000beef;  // signalling
  const array<double> a({1});
  std::memcpy(a.data(), &bits, sizeof bits);
  larder::dump(a, dir / "a.npy");
  const auto back = load<array<double>>(dir / "a.npy", {.mmap_mode = mmap_mode::none});
  CHECK(std::memcmp(back.data(), &bits, sizeof bits) == 0);
}

TEST_CASE("an array of 32 dimensions comes back") {
  scratch_dir dir;
  std::vector<std::size_t> shape(32, 1);
  shape[0] = shape[20] = shape[31] = 2;
  const auto a = filled<float>(shape);
  larder::dump(a, dir / "a.npy");
  check_all_modes(dir / "a.npy", a);
}

TEST_CASE("large arrays come back in every mode") {
  scratch_dir dir;
  const auto a = filled<double>({1200, 1000});  // 9.6 MB
  larder::dump(a, dir / "a.npy");
  check_all_modes(dir / "a.npy", a);
  const auto turned = a.transpose();
  larder::dump(turned, dir / "b.npy");
  check_all_modes(dir / "b.npy", turned);
  const auto part = a.slice(1, 1, 1000, 2);
  larder::dump(part, dir / "c.npy");
  check_all_modes(dir / "c.npy", part.copy());
}

TEST_CASE("a view is dumped as its elements alone") {
  scratch_dir dir;
  const auto a = filled<std::int32_t>({6, 8});
  for (const auto& view : {a.slice(0, 1, 5, 2), a.slice(1, 2, 7), a.sub(3), a.slice(1, 3, 4).transpose(),
                           a.slice(0, 1, 1), a.slice(0, 0, 6, 3).slice(1, 1, 8, 4)}) {
    larder::dump(view, dir / "v.npy");
    check_same(load<array<const std::int32_t>>(dir / "v.npy").copy(), view.copy());
  }
}
