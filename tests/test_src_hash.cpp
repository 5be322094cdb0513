// Content hashes: what is equal, what differs, and the values that later releases must give too.

#include <larder/hash.hpp>

#include <xxhash.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <larder/create.hpp>
#include <larder/dump.hpp>
#include <larder/inspect.hpp>
#include <larder/load.hpp>

#include "tests/catch.hpp"
#include "tests/npy_bytes.hpp"
#include "tests/scratch_dir.hpp"
#include "tests/sole_array.hpp"

using larder::array;
using larder::digest;
using larder::extents;

namespace {

constexpr std::size_t k_chunk = std::size_t{4} << 20;

digest xxh3(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.low64, hash.high64};
}

void append(std::string& to, std::uint64_t word) {
  for (int b = 0; b < 8; ++b) to += static_cast<char>(word >> (8 * b) & 0xff);
}

/// The digest of an array as it is laid down, composed from nothing but xxhash.
digest array_digest(const std::string& header, std::string_view data) {
  if (data.size() <= k_chunk) return xxh3(header + std::string(data));
  std::string tree = header;
  for (std::size_t at = 0; at < data.size(); at += k_chunk) {
    const digest chunk = xxh3(data.substr(at, k_chunk));
    append(tree, chunk.low);
    append(tree, chunk.high);
  }
  return xxh3(tree);
}

template <class T>
std::vector<T> counted(std::size_t count) {
  std::vector<T> v(count);
  for (std::size_t i = 0; i < count; ++i) v[i] = static_cast<T>(i * 3 + 1);
  return v;
}

template <class T>
array<T> counted_array(const extents& shape) {
  return array<T>::adopt(counted<T>(shape.count()), shape);
}

}  // namespace

TEMPLATE_TEST_CASE("an array's digest is that of its NPY header and data", "", std::int8_t, std::int16_t,
                   std::int32_t, std::int64_t, std::uint8_t, std::uint16_t, std::uint32_t, std::uint64_t,
                   float, double) {
  using T = TestType;
  const auto expected = [](bool fortran, const std::vector<std::size_t>& shape,
                           const std::vector<T>& elements) {
    return array_digest(npy_header(descr_of<T>(), fortran, shape), bytes_of(elements));
  };
  CHECK(larder::hash(counted_array<T>(extents())) == expected(false, {}, counted<T>(1)));
  CHECK(larder::hash(counted_array<T>({0})) == expected(false, {0}, {}));
  CHECK(larder::hash(counted_array<T>({7})) == expected(false, {7}, counted<T>(7)));
  CHECK(larder::hash(counted_array<T>({2, 0, 3})) == expected(false, {2, 0, 3}, {}));
  CHECK(larder::hash(counted_array<T>({3, 4})) == expected(false, {3, 4}, counted<T>(12)));
  CHECK(larder::hash(counted_array<T>({3, 4}).transpose()) == expected(true, {4, 3}, counted<T>(12)));
  CHECK(larder::hash(counted_array<T>({2, 2, 2, 2, 2, 2})) ==
        expected(false, {2, 2, 2, 2, 2, 2}, counted<T>(64)));
}

TEST_CASE("above 4 MiB the digest is that of the header and the digests of the 4 MiB pieces") {
  const std::size_t at_limit = k_chunk / 8;
  for (const std::size_t count :
       {at_limit - 1, at_limit, at_limit + 1, 2 * at_limit, 2 * at_limit + 1, 5 * at_limit + 12345}) {
    CAPTURE(count);
    const auto elements = counted<std::uint64_t>(count);
    const digest expected = array_digest(npy_header("<u8", false, {count}), bytes_of(elements));
    CHECK(larder::hash(elements) == expected);
  }
}

TEST_CASE("pieces need not end with an element") {
  const auto elements = counted<std::uint8_t>(2 * k_chunk + 3);
  CHECK(larder::hash(elements) ==
        array_digest(npy_header("|u1", false, {elements.size()}), bytes_of(elements)));
}

TEST_CASE("the tree digest of a large array is the same in every layout that has its content") {
  scratch_dir dir;
  const auto wide = counted_array<float>({1100, 2000});  // 8.8 MB
  const auto part = wide.slice(1, 100, 1900);            // 7.9 MB, with gaps
  const auto whole = part.copy();
  const digest expected =
      array_digest(npy_header("<f4", false, {1100, 1800}),
                   bytes_of(std::vector<float>(whole.flat().begin(), whole.flat().end())));
  CHECK(larder::hash(part) == expected);
  CHECK(larder::hash(whole) == expected);
  larder::dump(part, dir / "a.npy");
  CHECK(sole_digest(larder::inspect(dir / "a.npy")) == expected);
  CHECK(larder::hash(larder::load<array<const float>>(dir / "a.npy")) == expected);
  CHECK(larder::hash(larder::load<array<float>>(dir / "a.npy", {.mmap_mode = larder::mmap_mode::none})) ==
        expected);

  const auto columns = wide.transpose();
  CHECK(larder::hash(columns) ==
        array_digest(npy_header("<f4", true, {2000, 1100}),
                     bytes_of(std::vector<float>(wide.flat().begin(), wide.flat().end()))));
}

TEST_CASE("the digest of an array is the one in its file") {
  scratch_dir dir;
  const auto check = [&](const auto& a) {
    larder::dump(a, dir / "a.npy");
    CHECK(sole_digest(larder::inspect(dir / "a.npy")) == larder::hash(a));
  };
  check(counted_array<double>({3, 4}));
  check(counted_array<double>({3, 4}).transpose());
  check(counted_array<double>({6, 4}).slice(0, 0, 6, 2));
  check(counted_array<std::int16_t>(extents()));
  check(counted_array<float>({0, 5}));
  check(counted<std::uint32_t>(9));

  auto out = larder::create<double>(dir / "b.npy", {3, 4});
  out.array().assign(counted_array<double>({3, 4}));
  std::move(out).seal();
  CHECK(sole_digest(larder::inspect(dir / "b.npy")) == larder::hash(counted_array<double>({3, 4})));
}

TEST_CASE("equal content in another place or layout has the same digest") {
  const auto a = counted_array<double>({3, 4});
  const digest d = larder::hash(a);
  CHECK(larder::hash(a.copy()) == d);
  CHECK(larder::hash(array<const double>(a)) == d);
  CHECK(larder::hash(a.reshape({4, 3}).reshape({3, 4})) == d);

  // Neither in C nor in Fortran order: as its C-order copy.
  const array<double> spread({3, 8});
  spread.slice(1, 0, 8, 2).assign(a);
  CHECK(larder::hash(spread.slice(1, 0, 8, 2)) == d);
  const array<double> turned({2, 3, 4});
  CHECK(larder::hash(turned.transpose().sub(1)) == larder::hash(turned.transpose().sub(1).copy()));

  // In both orders at once: as in C order, as NumPy writes it.
  CHECK(larder::hash(counted_array<double>({1, 5}).transpose()) ==
        larder::hash(counted_array<double>({5, 1})));
}

TEST_CASE("C and Fortran order of the same elements differ, as their files do") {
  const auto a = counted_array<double>({3, 4});
  const auto columns = a.transpose().copy().transpose();
  REQUIRE(columns(1, 2) == a(1, 2));
  CHECK(larder::hash(columns) != larder::hash(a));
}

TEST_CASE("a vector is a one-dimensional array") {
  CHECK(larder::hash(counted<double>(5)) == larder::hash(counted_array<double>({5})));
  CHECK(larder::hash(1, counted<double>(5)) == larder::hash(1, counted_array<double>({5})));
  CHECK(larder::hash(std::vector<float>()) == larder::hash(array<float>()));
}

TEST_CASE("shape and type are part of an array's content") {
  std::set<digest> seen;
  seen.insert(larder::hash(counted_array<double>(extents())));
  seen.insert(larder::hash(counted_array<double>({1})));
  seen.insert(larder::hash(counted_array<double>({1, 1})));
  seen.insert(larder::hash(array<double>()));
  seen.insert(larder::hash(counted_array<double>({2, 3})));
  seen.insert(larder::hash(counted_array<double>({3, 2})));
  seen.insert(larder::hash(counted_array<double>({6})));
  seen.insert(larder::hash(array<std::int32_t>({4})));
  seen.insert(larder::hash(array<std::uint32_t>({4})));
  seen.insert(larder::hash(array<float>({4})));
  seen.insert(larder::hash(array<double>({4})));
  seen.insert(larder::hash(array<std::int64_t>({4})));
  CHECK(seen.size() == 12);
}

TEST_CASE("every element counts") {
  std::set<digest> seen;
  for (std::size_t i = 0; i < 20; ++i) {
    const array<std::uint8_t> a({20});
    a(i) = 1;
    seen.insert(larder::hash(a));
  }
  CHECK(seen.size() == 20);
  auto large = counted<std::uint8_t>(3 * k_chunk);
  for (const std::size_t at : {std::size_t{0}, k_chunk - 1, k_chunk, 3 * k_chunk - 1}) {
    large[at] ^= 1;
    CHECK(seen.insert(larder::hash(large)).second);
    large[at] ^= 1;
  }
}

TEST_CASE("values of different types differ though they compare equal") {
  std::set<digest> seen;
  seen.insert(larder::hash(1));
  seen.insert(larder::hash(1U));
  seen.insert(larder::hash(std::int8_t{1}));
  seen.insert(larder::hash(std::int16_t{1}));
  seen.insert(larder::hash(std::int64_t{1}));
  seen.insert(larder::hash(std::uint64_t{1}));
  seen.insert(larder::hash(1.0));
  seen.insert(larder::hash(1.0F));
  seen.insert(larder::hash(true));
  seen.insert(larder::hash(std::string("1")));
  seen.insert(larder::hash(std::string("\1")));
  seen.insert(larder::hash(std::vector<int>{1}));
  seen.insert(larder::hash(array<int>::from(std::vector<int>{1}, extents())));
  CHECK(seen.size() == 13);
}

TEST_CASE("types of the same width and sign are the same type") {
  CHECK(larder::hash(1L) == larder::hash(1LL));
  CHECK(larder::hash(std::string("abc")) == larder::hash(std::string_view("abc")));
  CHECK(larder::hash(array<long>({2})) == larder::hash(array<long long>({2})));
}

TEST_CASE("numbers are hashed by their bits") {
  CHECK(larder::hash(0.0) != larder::hash(-0.0));
  CHECK(larder::hash(0.0F) != larder::hash(-0.0F));
  CHECK(larder::hash(std::vector<double>{0.0}) != larder::hash(std::vector<double>{-0.0}));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(larder::hash(nan) == larder::hash(nan));
  CHECK(larder::hash(nan) != larder::hash(-nan));
  CHECK(larder::hash(std::int64_t{-1}) != larder::hash(std::int64_t{255}));
  CHECK(larder::hash(std::int8_t{-1}) != larder::hash(std::int16_t{-1}));
  CHECK(larder::hash(true) != larder::hash(false));
}

TEST_CASE("the boundaries of texts and of sequences count") {
  const auto text = [](std::string_view s) { return s; };
  CHECK(larder::hash(text("ab"), text("c")) != larder::hash(text("a"), text("bc")));
  CHECK(larder::hash(text("abc"), text("")) != larder::hash(text(""), text("abc")));
  CHECK(larder::hash(text("abc")) != larder::hash(text("abc"), text("")));
  CHECK(larder::hash(text("")) != larder::hash(text(""), text("")));
  CHECK(larder::hash(std::string("a\0", 2)) != larder::hash(std::string("a")));
  CHECK(larder::hash(1, 2) != larder::hash(2, 1));
  CHECK(larder::hash(1, 2, 3) != larder::hash(1, 2));
  CHECK(larder::hash(std::uint8_t{1}, std::uint8_t{0}) != larder::hash(std::uint16_t{1}));
  CHECK(larder::hash(std::vector<int>{1, 2}) != larder::hash(1, 2));
  CHECK(larder::hash(std::vector<int>{1}, std::vector<int>{2}) != larder::hash(std::vector<int>{1, 2}));
  const digest d = larder::hash(std::vector<int>{1});
  CHECK(larder::hash(std::vector<int>{1}, 2) != larder::hash(d.hex(), 2));
}

TEST_CASE("a long sequence of values counts to the last") {
  const auto hash_of = [](const std::string& first, int last) {
    return larder::hash(first, 2, std::string(300, 'y'), 4.0, std::string(300, 'z'), last);
  };
  CHECK(hash_of(std::string(100000, 'x'), 1) == hash_of(std::string(100000, 'x'), 1));
  CHECK(hash_of(std::string(100000, 'x'), 1) != hash_of(std::string(100000, 'x'), 2));
  CHECK(hash_of(std::string(100000, 'x'), 1) != hash_of(std::string(99999, 'x'), 1));
  // Around the size where the pieces no longer fit a small buffer.
  std::set<digest> seen;
  for (std::size_t n = 0; n < 600; ++n) seen.insert(larder::hash(std::string(n, 'x'), 7));
  CHECK(seen.size() == 600);
}

TEST_CASE("hex is the high word then the low in lower case") {
  const digest d{0x0123456789abcdef, 0x00000000000000fe};
  CHECK(d.hex() == "00000000000000fe0123456789abcdef");
  CHECK(digest{}.hex() == std::string(32, '0'));
  CHECK(larder::hash(1).hex().size() == 32);
}

TEST_CASE("a mapped array has the digest of what it holds now and not of what its file once held") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  const auto original = counted_array<double>({3, 4});
  const digest before = larder::hash(original);
  larder::dump(original, path);

  SECTION("read-only and sealed") {
    const auto ro = larder::load<array<const double>>(path);
    CHECK(larder::hash(ro) == before);
    CHECK(larder::hash(ro.reshape({4, 3})) == larder::hash(original.reshape({4, 3})));
    CHECK(larder::hash(ro.reshape({12})) == larder::hash(original.reshape({12})));
    CHECK(larder::hash(ro.transpose()) == larder::hash(original.transpose()));
    CHECK(larder::hash(ro.sub(0)) == larder::hash(original.sub(0)));
    CHECK(larder::hash(ro.slice(0, 0, 2)) == larder::hash(original.slice(0, 0, 2)));
    CHECK(larder::hash(ro.slice(0, 0, 3)) == before);
    CHECK(larder::hash(ro.reshape({4, 3}).reshape({3, 4})) == before);
  }
  SECTION("copy-on-write and changed") {
    const auto cow = larder::load<array<double>>(path);
    CHECK(larder::hash(cow) == before);
    cow(1, 1) = -1;
    CHECK(larder::hash(cow) == larder::hash(cow.copy()));
    CHECK(larder::hash(cow) != before);
    CHECK(larder::hash(array<const double>(cow)) == larder::hash(cow.copy()));
  }
  SECTION("read-write and changed") {
    const auto rw = larder::load<array<double>>(path, {.mmap_mode = larder::mmap_mode::read_write});
    rw(1, 1) = -1;
    CHECK(larder::hash(rw) == larder::hash(rw.copy()));
    CHECK(larder::hash(rw) != before);
    CHECK(larder::hash(array<const double>(rw)) == larder::hash(rw.copy()));
  }
  SECTION("read-only while another handle writes to the file") {
    const auto ro = larder::load<array<const double>>(path);
    const auto rw = larder::load<array<double>>(path, {.mmap_mode = larder::mmap_mode::read_write});
    rw(1, 1) = -1;
    REQUIRE(ro(1, 1) == -1);
    CHECK(larder::hash(ro) == larder::hash(ro.copy()));
  }
}

// A cache that one release fills is read by the next: these never change. They were computed from the byte streams in
// docs/format.md with another binding of xxhash and, for arrays, with NumPy's own headers.
TEST_CASE("the digests of values are those of every release") {
  CHECK(larder::hash(true).hex() == "6ec999316ca7902dc72430fcec34117d");
  CHECK(larder::hash(std::int8_t{-1}).hex() == "42f80b002696cc6cba550d6a4b0f2fb3");
  CHECK(larder::hash(std::int32_t{1}).hex() == "e910e597491b59d8901334155d5bcbd1");
  CHECK(larder::hash(std::int64_t{-2}).hex() == "9a0d6378a3a653cd6383c5a2b6b9ae69");
  CHECK(larder::hash(std::uint16_t{65535}).hex() == "7385d745ac005331ba5bc98ca253c919");
  CHECK(larder::hash(std::uint64_t{1} << 63).hex() == "0124a4953823e3c4fdf59a9c20c9d554");
  CHECK(larder::hash(1.5F).hex() == "912e0f0249949d85d0b65364c56992fa");
  CHECK(larder::hash(-0.0).hex() == "00ddfcc4efac5632b2a7b20fc3bb7f0b");
  CHECK(larder::hash(std::string()).hex() == "85fefc6f12f345b396720846b631026c");
  CHECK(larder::hash(std::string("larder")).hex() == "f6551ae050c978e24d056df782f30ada");
  CHECK(larder::hash(1, 2.0, std::string("three")).hex() == "1ebb3b004434f12cc1396a2ff2d03795");
  CHECK(larder::hash(std::string(1000, 'x'), 7).hex() == "4c9f3c81bd2e8a45e015f7b51e4fb55d");
  CHECK(larder::hash(0.5, counted<float>(5)).hex() == "1093608b9b3406f22bfb9ab2f8f1aa2c");
}

TEST_CASE("the digests of arrays are those of every release") {
  CHECK(larder::hash(counted_array<double>(extents())).hex() == "65c5c0411fa9d9741058c9a868805789");
  CHECK(larder::hash(counted_array<double>({3, 4})).hex() == "0d329daf4d798adcf740186d6eaece85");
  CHECK(larder::hash(counted_array<double>({3, 4}).transpose()).hex() == "cb109f17cb5af8b28e98cf741cc43a47");
  CHECK(larder::hash(std::vector<std::int16_t>()).hex() == "2c2a4be41d57e32d18a182263ce4f754");
  CHECK(larder::hash(counted<std::uint64_t>(1 << 20)).hex() == "cc7f3ba0df458795d23cde915a051b40");
}

TEST_CASE("values are hashed as the stream of bytes that the format lays down") {
  using namespace std::string_literals;
  CHECK(larder::hash(std::int16_t{-2}) == xxh3("i\x02\xfe\xff"));
  CHECK(larder::hash(std::uint32_t{258}) == xxh3("u\x04\x02\x01\0\0"s));
  CHECK(larder::hash(false) == xxh3("b\0"s));
  CHECK(larder::hash(1.0F) == xxh3("f\x04\0\0\x80\x3f"s));
  CHECK(larder::hash("ab"s, true) == xxh3("t\2\0\0\0\0\0\0\0s\2\0\0\0\0\0\0\0abb\1"s));
  std::string stream = "t\2\0\0\0\0\0\0\0a"s;
  const auto a = counted_array<float>({2, 2});
  append(stream, larder::hash(a).low);
  append(stream, larder::hash(a).high);
  CHECK(larder::hash(a, std::uint8_t{9}) == xxh3(stream + "u\1\x09"));
}
