// What arrays do, with elements of every type; and what is particular to some of them.

#include <larder/element.hpp>

#include <algorithm>
#include <array>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <larder/array.hpp>
#include <larder/create.hpp>
#include <larder/dump.hpp>
#include <larder/error.hpp>
#include <larder/hash.hpp>
#include <larder/load.hpp>
#include <larder/memory.hpp>
#include <larder/storable.hpp>

#include "src/npy_header.hpp"
#include "tests/catch.hpp"
#include "tests/file_bytes.hpp"
#include "tests/npy_bytes.hpp"
#include "tests/scratch_dir.hpp"

using Catch::Matchers::ContainsSubstring;
using larder::array;
using larder::bfloat16;
using larder::dtype;
using larder::half;
using larder::load;
using larder::mmap_mode;

#define ELEMENT_TYPES                                                                                      \
  bool, std::int8_t, std::int16_t, std::int32_t, std::int64_t, std::uint8_t, std::uint16_t, std::uint32_t, \
      std::uint64_t, half, bfloat16, float, double, std::complex<float>, std::complex<double>

namespace {

/// Different for neighbours; the parts of complex numbers differ.
template <class T>
T element_number(std::size_t i) {
  if constexpr (std::is_same_v<T, bool>) {
    return i % 3 == 1;
  } else if constexpr (larder::detail::complex_element<T>) {
    using part = typename T::value_type;
    return {static_cast<part>(i), -static_cast<part>(i) - 1};
  } else {
    return static_cast<T>(static_cast<float>(i % 120));
  }
}

template <class T>
array<T> counted(const larder::extents& shape) {
  const array<T> a(shape);
  for (std::size_t i = 0; i < a.size(); ++i) a.flat()[i] = element_number<T>(i);
  return a;
}

/// Shape and elements, by their bytes.
template <class A, class B>
bool is_same(const A& a, const B& b) {
  const auto x = a.copy();
  const auto y = b.copy();
  return std::ranges::equal(a.shape(), b.shape()) &&
         (x.size() == 0 || std::memcmp(x.data(), y.data(), x.nbytes()) == 0);
}

/// Element by element, by the definition of a 2-d transpose.
template <class T>
bool is_transpose(const array<T>& a, const array<T>& b) {
  bool right = a.shape(0) == b.shape(1) && a.shape(1) == b.shape(0);
  for (std::size_t i = 0; right && i < a.shape(0); ++i) {
    for (std::size_t j = 0; right && j < a.shape(1); ++j)
      right = std::memcmp(&a(i, j), &b(j, i), sizeof(T)) == 0;
  }
  return right;
}

/// The descr of NumPy, but its byte order.
template <class T>
std::string kind_and_size() {
  if (std::is_same_v<T, bool>) return "b1";
  if (std::is_same_v<T, half>) return "f2";
  if (std::is_same_v<T, bfloat16>) return "V2";
  if (larder::detail::complex_element<T>) return "c" + std::to_string(sizeof(T));
  return descr_of<T>().substr(1);
}

template <class T>
std::string native_descr() {
  return (sizeof(T) == 1 || std::is_same_v<T, bfloat16> ? "|" : "<") + kind_and_size<T>();
}

}  // namespace

TEMPLATE_TEST_CASE("arrays of every element type are made, filled and indexed", "", ELEMENT_TYPES) {
  using T = TestType;
  STATIC_REQUIRE(larder::element<T>);
  CHECK(larder::item_size(larder::dtype_of<T>) == sizeof(T));

  const array<T> a({3, 5});
  CHECK(a.nbytes() == 15 * sizeof(T));
  CHECK(std::ranges::all_of(a.flat(), [](T x) { return x == T(); }));
  const T one = element_number<T>(1);
  a.fill(one);
  CHECK(std::ranges::all_of(a.flat(), [one](T x) { return x == one; }));
  a.slice(1, 0, 5, 2).fill(T());
  CHECK(a.at(2, 1) == one);
  CHECK(a.at(2, 2) == T());
  CHECK_THROWS_AS(a.at(3, 0), larder::value_error);
  a(0, 0) = one;
  CHECK(a.template view<2>()(0, 0) == one);
  CHECK((a.template view<2, larder::inner::contiguous>()(0, 0)) == one);

  const std::array<T, 3> elements{element_number<T>(0), one, element_number<T>(2)};
  const auto copy = array<T>::from(elements, {3});
  CHECK(copy(1) == one);
  CHECK(copy.data() != elements.data());
  CHECK(array<const T>::borrow(elements, {1, 3}).data() == elements.data());
  CHECK(array<T>::uninitialized({7}).size() == 7);
  CHECK(array<T>::shared({7})(6) == T());
}

TEMPLATE_TEST_CASE("views of every element type have the right elements", "", ELEMENT_TYPES) {
  using T = TestType;
  const auto a = counted<T>({7, 11});
  const auto part = a.slice(0, 1, 7, 2).slice(1, 2, 11, 3);
  REQUIRE(part.shape(0) == 3);
  REQUIRE(part.shape(1) == 3);
  const auto copy = part.copy();
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) {
      CHECK(part(i, j) == element_number<T>((1 + 2 * i) * 11 + 2 + 3 * j));
      CHECK(copy(i, j) == part(i, j));
    }
  }
  CHECK(a.reshape({11, 7})(10, 6) == a(6, 10));
  CHECK(a.sub(3).sub(4)() == a(3, 4));
}

TEMPLATE_TEST_CASE("transposes of every element type are copied right at all sizes", "", ELEMENT_TYPES) {
  using T = TestType;
  for (const std::size_t rows : {1U, 2U, 7U, 64U, 65U, 130U}) {
    for (const std::size_t columns : {1U, 3U, 8U, 63U, 64U, 129U}) {
      CAPTURE(rows, columns);
      const auto a = counted<T>({rows, columns});
      CHECK(is_transpose(a, a.transpose().copy()));
      const array<T> wide({columns * 2, rows * 3});  // strides of its own
      const auto view = wide.slice(0, 0, columns * 2, 2).slice(1, 1, rows * 3, 3);
      view.assign(a.transpose());
      CHECK(is_transpose(a, view));
      // What lies between the elements of the view is as it was.
      CHECK(std::ranges::all_of(wide.slice(1, 0, rows * 3, 3).copy().flat(), [](T x) { return x == T(); }));
      CHECK(
          std::ranges::all_of(wide.slice(0, 1, columns * 2, 2).copy().flat(), [](T x) { return x == T(); }));
    }
  }
}

TEMPLATE_TEST_CASE("every order of three dimensions is copied right", "", std::uint8_t, half, float, double,
                   std::complex<double>) {
  using T = TestType;
  // By transposes and reshapes of slices: (i, j, k) in each order of the strides.
  const auto a = counted<T>({5, 6, 7});
  const auto back = a.transpose().copy();  // (7, 6, 5)
  const auto turned = back.transpose();    // (5, 6, 7), the first dimension densest
  CHECK(is_same(turned, a));
  const array<T> c({7, 6, 5});
  c.transpose().assign(a);
  CHECK(is_same(c, back));
  // Two dimensions that are one in memory, and a third across.
  const auto flat = a.reshape({30, 7}).transpose();  // (7, 30)
  CHECK(is_same(flat.copy().reshape({7, 5, 6}).sub(3), a.slice(2, 3, 4).copy().reshape({5, 6})));
}

TEMPLATE_TEST_CASE("an overlapping assignment is as one from a copy", "", ELEMENT_TYPES) {
  using T = TestType;
  const auto a = counted<T>({9, 9});
  const auto expected_shift = a.slice(0, 0, 8).copy();
  const auto b = a.copy();
  b.slice(0, 1, 9).assign(b.slice(0, 0, 8));
  CHECK(is_same(b.slice(0, 1, 9), expected_shift));
  CHECK(is_same(b.sub(0), a.sub(0)));
  const auto c = a.copy();
  c.assign(c.transpose());
  CHECK(is_transpose(a, c));
}

TEMPLATE_TEST_CASE("vectors of every element type but bool are adopted, hashed and stored", "", std::int8_t,
                   std::int16_t, std::int32_t, std::int64_t, std::uint8_t, std::uint16_t, std::uint32_t,
                   std::uint64_t, half, bfloat16, float, double, std::complex<float>, std::complex<double>) {
  using T = TestType;
  std::vector<T> v;
  for (std::size_t i = 0; i < 100; ++i) v.push_back(element_number<T>(i));
  CHECK(larder::hash(v) == larder::hash(counted<T>({100})));
  scratch_dir dir;
  larder::dump(v, dir / "v.npy", {.bare_npy = true});
  CHECK(load<std::vector<T>>(dir / "v.npy") == v);
  const T* data = v.data();
  const auto a = array<T>::adopt(std::move(v), {10, 10});
  CHECK(a.data() == data);
  CHECK(a(9, 9) == element_number<T>(99));
}

TEST_CASE("a vector of bools is no array") {
  STATIC_REQUIRE_FALSE(larder::detail::array_like<std::vector<bool>>);
  CHECK(larder::type_text<std::vector<bool>>() == "vector<bool>");
  STATIC_REQUIRE(larder::storable<array<bool>>);
  STATIC_REQUIRE(larder::storable<std::vector<std::complex<float>>>);
}

TEST_CASE("hashes tell the element types apart") {
  std::set<std::string> seen;
  const auto add = [&](const auto& value) { return seen.insert(larder::hash(value).hex()).second; };
  // The same bytes, all zero: what differs is the type.
  CHECK(add(array<bool>({16})));
  CHECK(add(array<std::uint8_t>({16})));
  CHECK(add(array<std::int8_t>({16})));
  CHECK(add(array<half>({8})));
  CHECK(add(array<bfloat16>({8})));
  CHECK(add(array<std::int16_t>({8})));
  CHECK(add(array<float>({4})));
  CHECK(add(array<double>({2})));
  CHECK(add(array<std::complex<float>>({2})));
  CHECK(add(array<std::int64_t>({2})));
  CHECK(add(array<std::complex<double>>({1})));
  // And of scalars.
  CHECK(add(false));
  CHECK(add(std::uint8_t{0}));
  CHECK(add(std::uint16_t{0}));
  CHECK(add(half(0)));
  CHECK(add(bfloat16(0)));
  CHECK(add(0.0F));
  CHECK(add(0.0));
  CHECK(add(std::complex<float>()));
  CHECK(add(std::complex<double>()));
}

TEST_CASE("hashes of the new scalars are of their bits") {
  CHECK(larder::hash(half(0.0F)) != larder::hash(half(-0.0F)));
  CHECK(larder::hash(half::from_bits(0x7E00)) != larder::hash(half::from_bits(0x7E01)));
  CHECK(larder::hash(half::from_bits(0x7E00)) == larder::hash(half::from_bits(0x7E00)));
  CHECK(larder::hash(half::from_bits(0x3F80)) != larder::hash(bfloat16::from_bits(0x3F80)));
  CHECK(larder::hash(std::complex<double>(1, 2)) != larder::hash(std::complex<double>(2, 1)));
  CHECK(larder::hash(std::complex<float>(1, 0)) != larder::hash(1.0F));
  CHECK(larder::hash(std::complex<float>(1, 2), 3) == larder::hash(std::complex<float>(1, 2), 3));
}

TEST_CASE("the names and numbers of the element types are those of the files") {
  int number = 0;
  for (const auto& [type, size, text] :
       std::vector<std::tuple<dtype, std::size_t, std::string>>{{dtype::i8, 1, "i8"},
                                                                {dtype::i16, 2, "i16"},
                                                                {dtype::i32, 4, "i32"},
                                                                {dtype::i64, 8, "i64"},
                                                                {dtype::u8, 1, "u8"},
                                                                {dtype::u16, 2, "u16"},
                                                                {dtype::u32, 4, "u32"},
                                                                {dtype::u64, 8, "u64"},
                                                                {dtype::f32, 4, "f32"},
                                                                {dtype::f64, 8, "f64"},
                                                                {dtype::f16, 2, "f16"},
                                                                {dtype::bf16, 2, "bf16"},
                                                                {dtype::c64, 8, "c64"},
                                                                {dtype::c128, 16, "c128"},
                                                                {dtype::boolean, 1, "bool"}}) {
    CHECK(static_cast<int>(type) == number++);
    CHECK(larder::item_size(type) == size);
    CHECK(name(type) == text);
    CHECK(larder::type_text(type) == "array<" + text + ">");
    CHECK(larder::detail::extended_dtype(type) == (type == dtype::bf16 ? 1U : 0U));
  }
  STATIC_REQUIRE(larder::dtype_of<const bool> == dtype::boolean);
  STATIC_REQUIRE(larder::dtype_of<half> == dtype::f16);
  STATIC_REQUIRE(larder::dtype_of<bfloat16> == dtype::bf16);
  STATIC_REQUIRE(larder::dtype_of<const std::complex<float>> == dtype::c64);
  STATIC_REQUIRE(larder::dtype_of<std::complex<double>> == dtype::c128);
  STATIC_REQUIRE_FALSE(larder::element<std::complex<long double>>);
  STATIC_REQUIRE_FALSE(larder::element<std::complex<int>>);
  STATIC_REQUIRE_FALSE(larder::element<long double>);
  STATIC_REQUIRE_FALSE(larder::element<char>);
}

TEMPLATE_TEST_CASE("a plain file of every element type is NumPy's and comes back in every mode", "",
                   ELEMENT_TYPES) {
  using T = TestType;
  scratch_dir dir;
  const auto path = dir / "a.npy";
  for (const std::vector<std::size_t>& shape :
       std::vector<std::vector<std::size_t>>{{}, {0}, {5}, {4, 0}, {3, 7}}) {
    CAPTURE(shape);
    const auto a = counted<T>(larder::extents(std::span(shape)));
    larder::dump(a, path, {.bare_npy = true});
    const std::string data(reinterpret_cast<const char*>(a.data()), a.nbytes());
    CHECK(read_file(path) == npy_header(native_descr<T>(), false, shape) + data);
    CHECK(is_same(load<array<const T>>(path), a));
    CHECK(is_same(load<array<T>>(path), a));
    CHECK(is_same(load<array<T>>(path, {.mmap_mode = mmap_mode::none}), a));
    CHECK(is_same(load<array<T>>(path, {.mmap_mode = mmap_mode::read_write}), a));
  }
  const auto f = counted<T>({4, 6}).transpose();
  larder::dump(f, path, {.bare_npy = true});
  CHECK(is_same(load<array<const T>>(path), f));
  CHECK(load<array<const T>>(path).transpose().is_contiguous());
}

TEMPLATE_TEST_CASE("a container of every element type comes back in every mode", "", bool, std::int8_t,
                   std::uint64_t, half, bfloat16, float, std::complex<float>, std::complex<double>) {
  using T = TestType;
  scratch_dir dir;
  const auto path = dir / "a.npy";
  const auto a = counted<T>({30, 50});
  for (const auto& value : {a, a.transpose(), a.slice(1, 0, 50, 7), a.slice(0, 1, 30, 4).transpose()}) {
    larder::dump(value, path);
    CHECK(is_same(load<array<const T>>(path), value));
    CHECK(is_same(load<array<T>>(path), value));
    CHECK(is_same(load<array<T>>(path, {.mmap_mode = mmap_mode::none}), value));
    CHECK(larder::hash(load<array<const T>>(path)) == larder::hash(value));
    CHECK(is_same(load<array<T>>(path, {.mmap_mode = mmap_mode::read_write}), value));
  }
  auto out = larder::create<T>(path, {30, 50});
  out.array().assign(a);
  CHECK(is_same(std::move(out).seal(), a));
  CHECK(is_same(load<array<const T>>(path), a));
  CHECK_THROWS_AS(load<array<std::int16_t>>(path), larder::type_mismatch);
}

TEMPLATE_TEST_CASE("elements in the other byte order are turned around", "", std::int16_t, std::int32_t,
                   std::int64_t, std::uint16_t, std::uint32_t, std::uint64_t, half, float, double,
                   std::complex<float>, std::complex<double>) {
  using T = TestType;
  scratch_dir dir;
  const auto path = dir / "a.npy";
  const auto a = counted<T>({5, 7});
  std::string data(reinterpret_cast<const char*>(a.data()), a.nbytes());
  // Each part of a complex number is a number of its own.
  constexpr std::size_t k_unit = larder::detail::complex_element<T> ? sizeof(T) / 2 : sizeof(T);
  for (std::size_t at = 0; at < data.size(); at += k_unit) {
    std::reverse(data.begin() + static_cast<std::ptrdiff_t>(at),
                 data.begin() + static_cast<std::ptrdiff_t>(at + k_unit));
  }
  write_file(path, npy_header(">" + kind_and_size<T>(), false, {5, 7}) + data);
  CHECK(is_same(load<array<const T>>(path), a));
  CHECK_FALSE(load<array<const T>>(path).is_mapped());
  CHECK_THROWS_WITH((load<array<const T>>(path, {.mmap_mode = mmap_mode::read})),
                    ContainsSubstring("byte order"));
}

TEST_CASE("what has no byte order is read whatever the header says of it") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  for (const std::string order : {"<", ">", "|"}) {
    write_file(path, npy_header(order + "V2", false, {1}) + std::string("\x80\x3F", 2));
    CHECK(load<array<const bfloat16>>(path)(0) == 1);
    CHECK(load<array<const bfloat16>>(path).is_mapped());
    write_file(path, npy_header(order + "b1", false, {2}) + std::string("\0\1", 2));
    CHECK(load<array<const bool>>(path)(1));
    CHECK(load<array<const bool>>(path).is_mapped());
  }
  write_file(path, npy_header("|f2", false, {1}) + std::string(2, '\0'));
  CHECK_THROWS_WITH(load<array<const half>>(path), ContainsSubstring("E_DTYPE"));
  write_file(path, npy_header("|V4", false, {1}) + std::string(4, '\0'));
  CHECK_THROWS_WITH(load<array<const bfloat16>>(path), ContainsSubstring("E_DTYPE"));
}

TEST_CASE("bytes that are no bools are not loaded as such in any mode") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  for (const std::size_t size : {1U, 100U, 4096U, 4097U, 20'000U}) {
    for (const std::size_t at : {std::size_t{0}, size / 2, size - 1}) {
      for (const char bad : {'\2', '\x81', '\xFF', '\x10'}) {
        CAPTURE(size, at, static_cast<int>(bad));
        std::string data(size, '\1');
        data[at] = bad;
        data[size - 1] = at == size - 1 ? bad : '\3';  // of two the first is named
        write_file(path, npy_header("|b1", false, {size}) + data);
        for (const auto mode : {mmap_mode::none, mmap_mode::copy_on_write, mmap_mode::read_write}) {
          try {
            load<array<bool>>(path, {.mmap_mode = mode});
            FAIL("loaded");
          } catch (const larder::format_error& e) {
            CHECK(e.code() == larder::format_code::dtype);
            CHECK_THAT(e.what(),
                       ContainsSubstring(path.string()) &&
                           ContainsSubstring("byte " + std::to_string(at) + " of the data is " +
                                             std::to_string(static_cast<unsigned char>(bad)) + ","));
          }
        }
        CHECK_THROWS_AS(load<array<const bool>>(path), larder::format_error);
        data[at] = '\0';
        data[size - 1] = '\1';
        write_file(path, npy_header("|b1", false, {size}) + data);
        CHECK(load<array<const bool>>(path).size() == size);
      }
    }
  }
}

TEST_CASE("a container in which bytes are no bools stays sealed") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  const array<std::uint8_t> bytes({3});
  bytes.fill(7);
  // Written by someone who has the digest right, through an array of bools.
  const auto forged = array<bool>::borrow({reinterpret_cast<bool*>(bytes.data()), 3}, {3});
  larder::dump(forged, path);
  const std::string before = read_file(path);
  CHECK_THROWS_AS((load<array<bool>>(path, {.mmap_mode = mmap_mode::read_write})), larder::format_error);
  CHECK(read_file(path) == before);
}

TEST_CASE("functions of and to the new types are cached") {
  scratch_dir dir;
  larder::memory mem(dir / "cache");
  int calls = 0;
  static int* counter = nullptr;
  counter = &calls;
  const auto f = mem.cache("f",
                           +[](half a, bfloat16 b, std::complex<float> c, bool d) {
                             ++*counter;
                             const array<std::complex<double>> result({2});
                             result(0) = {static_cast<double>(a + b), d ? 1.0 : 0.0};
                             result(1) = c;
                             return result;
                           },
                           {.version = "1"});
  const auto first = f(half(1.5F), bfloat16(2), {3, -4}, true);
  CHECK(first(0) == std::complex<double>(3.5, 1));
  CHECK(is_same(f(half(1.5F), bfloat16(2), {3, -4}, true), first));
  CHECK(calls == 1);
  CHECK(f(half(1.5F), bfloat16(2), {3, 4}, true)(1) == std::complex<double>(3, 4));
  CHECK(f(half(2.5F), bfloat16(2), {3, 4}, true)(0) == std::complex<double>(4.5, 1));
  CHECK(calls == 3);

  std::string entries;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir / "cache")) {
    if (entry.is_regular_file()) entries += read_file(entry.path());
  }
  CHECK_THAT(entries, ContainsSubstring("1.5, 2, (3, -4), true"));
}
