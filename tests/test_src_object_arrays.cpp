// Arrays in objects: each lies in a segment of its own, and is mapped from it when the object is loaded.

#include <larder/dump.hpp>
#include <larder/inspect.hpp>
#include <larder/load.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <larder/array.hpp>
#include <larder/error.hpp>
#include <larder/fields.hpp>
#include <larder/hash.hpp>

#include "tests/catch.hpp"
#include "tests/check_same.hpp"
#include "tests/counted.hpp"
#include "tests/file_bytes.hpp"
#include "tests/round_trip.hpp"
#include "tests/scratch_dir.hpp"

using Catch::Matchers::ContainsSubstring;
using larder::array;
using larder::file_state;
using larder::load;
using larder::mmap_mode;
using larder::segment_kind;

namespace arrays_within {

struct mixed {
  array<const double> fixed;
  array<double> open;
  std::vector<double> numbers;
  LARDER_FIELDS(fixed, open, numbers)
};

}  // namespace arrays_within

namespace {

using arrays_within::mixed;
using named = std::map<std::string, array<double>>;
using named_const = std::map<std::string, array<const double>>;
using named_vectors = std::map<std::string, std::vector<double>>;

constexpr std::size_t k_inline_elements = 65536 / sizeof(double);

std::size_t arrays_in(const std::filesystem::path& path) {
  std::size_t n = 0;
  for (const auto& segment : larder::inspect(path).segments) n += segment.kind == segment_kind::array;
  return n;
}

}  // namespace

TEST_CASE("each array of an object lies aligned in a segment of its own with its digest") {
  scratch_dir dir;
  const named m{{"a", counted({3})},
                {"b", counted({100, 70})},
                {"c", counted({2, 2}).transpose()},
                {"none", array<double>()},
                {"scalar", counted(larder::extents())}};
  larder::dump(m, dir / "m");
  const auto info = larder::verify(dir / "m");
  CHECK(info.type == "map<string,array<f64>>");
  CHECK(info.state == file_state::sealed);
  REQUIRE(info.segments.size() == 6);
  CHECK(info.segments[5].kind == segment_kind::object);
  CHECK_FALSE(info.segments[5].array.has_value());
  std::size_t i = 0;
  for (const auto& [key, a] : m) {
    CAPTURE(key);
    const auto& segment = info.segments[i++];
    CHECK(segment.kind == segment_kind::array);
    CHECK_FALSE(segment.compressed);
    CHECK(segment.digest == larder::hash(a));
    REQUIRE(segment.array.has_value());
    CHECK(segment.offset % 64 == 0);
    CHECK(segment.array->data_offset % 64 == 0);
    CHECK(segment.array->data_bytes == a.nbytes());
    CHECK(segment.array->fortran_order == (key == "c"));
    if (key != "none")
      CHECK(segment.array->shape == std::vector<std::size_t>(a.shape().begin(), a.shape().end()));
    const std::string bytes = read_file(dir / "m");
    const auto in_order = key == "c" ? a.transpose().copy() : a.copy();
    CHECK(bytes.substr(segment.array->data_offset, a.nbytes()) ==
          std::string(reinterpret_cast<const char*>(in_order.data()), a.nbytes()));
  }
  const auto back = load<named_const>(dir / "m");
  for (const auto& [key, a] : m) {
    CAPTURE(key);
    check_same(back.at(key), a);
    if (key != "none") CHECK(back.at(key).is_mapped());
  }
}

TEST_CASE("vectors of elements lie in the stream up to 64 KiB and above that in a segment") {
  scratch_dir dir;
  for (const std::size_t n : {std::size_t{0}, std::size_t{1}, k_inline_elements, k_inline_elements + 1}) {
    CAPTURE(n);
    named_vectors m{{"v", std::vector<double>(n, 1.5)}};
    if (n != 0) m["v"].back() = 2.5;
    larder::dump(m, dir / "m");
    CHECK(arrays_in(dir / "m") == (n > k_inline_elements ? 1 : 0));
    CHECK(load<named_vectors>(dir / "m") == m);
    const auto a = load<named_const>(dir / "m").at("v");
    CHECK(a.size() == n);
    CHECK(a.is_mapped() == (n > k_inline_elements));
    CHECK(std::vector<double>(a.flat().begin(), a.flat().end()) == m["v"]);
  }
  const std::vector<std::uint8_t> bytes(65537, 7);
  larder::dump(std::pair(bytes, std::vector<std::uint8_t>(65536, 8)), dir / "p");
  CHECK(arrays_in(dir / "p") == 1);
}

TEST_CASE("handles on one view share a segment and share memory again") {
  scratch_dir dir;
  const auto a = counted({4, 5});
  const std::vector<array<double>> v{a, a, a.slice(0, 0, 4), a.reshape({4, 5}), a.copy()};
  larder::dump(v, dir / "v");
  CHECK(arrays_in(dir / "v") == 2);
  for (const auto mode : {mmap_mode::none, mmap_mode::copy_on_write, mmap_mode::read_write}) {
    const auto back = load<std::vector<array<double>>>(dir / "v", {.mmap_mode = mode});
    REQUIRE(back.size() == 5);
    CHECK(back[0].data() == back[1].data());
    CHECK(back[0].data() == back[3].data());
    back[0](1, 1) = -1;
    CHECK(back[2](1, 1) == -1);
    CHECK(back[4](1, 1) == 7);
    back[0](1, 1) = 7;
  }
  const auto both = round_trip(std::pair<array<const double>, array<const double>>(a, a));
  CHECK(both.first.data() == both.second.data());
}

TEST_CASE("different views of one buffer are different segments") {
  scratch_dir dir;
  const auto a = counted({4, 6});
  const std::vector<array<double>> v{a,        a.slice(0, 1, 3), a.slice(1, 0, 6, 2), a.transpose(),
                                     a.sub(0), a.reshape({24}),  a.slice(0, 0, 3)};
  larder::dump(v, dir / "v");
  CHECK(arrays_in(dir / "v") == v.size());
  const auto back = load<std::vector<array<const double>>>(dir / "v");
  for (std::size_t i = 0; i < v.size(); ++i) check_same(back.at(i), v[i]);
}

TEST_CASE("Fortran order is kept in objects and strided views become row-major") {
  const auto a = counted({30, 50});
  const auto [columns, strided] =
      round_trip(std::pair<array<double>, array<double>>(a.transpose(), a.slice(1, 1, 49, 3)));
  check_same(columns, a.transpose());
  CHECK(columns.transpose().is_contiguous());
  check_same(strided, a.slice(1, 1, 49, 3));
  CHECK(strided.is_contiguous());
}

TEST_CASE("constness chooses how an array in an object is mapped") {
  scratch_dir dir;
  const auto path = dir / "m";
  const mixed m{counted({10}), counted({20}), std::vector<double>(k_inline_elements + 1, 3)};
  larder::dump(m, path);
  const std::string before = read_file(path);
  const auto back = load<mixed>(path);
  REQUIRE(back.fixed.is_mapped());
  CHECK(back.fixed.origin()->mode == mmap_mode::read);
  CHECK(back.fixed.origin()->path == path.string());
  CHECK(back.fixed.origin()->offset == larder::inspect(path).segments[0].array->data_offset);
  REQUIRE(back.open.is_mapped());
  CHECK(back.open.origin()->mode == mmap_mode::copy_on_write);
  back.open(5) = -1;
  CHECK(back.open(5) == -1);
  CHECK(load<mixed>(path).open(5) == 6);
  CHECK(read_file(path) == before);
  CHECK(larder::verify(path).state == file_state::sealed);

  const auto copied = load<mixed>(path, {.mmap_mode = mmap_mode::none});
  CHECK_FALSE(copied.fixed.is_mapped());
  CHECK_FALSE(copied.open.is_mapped());
  CHECK(copied.numbers == m.numbers);

  const auto all_cow = load<mixed>(path, {.mmap_mode = mmap_mode::copy_on_write});
  CHECK(all_cow.fixed.origin()->mode == mmap_mode::copy_on_write);
}

TEST_CASE("a read-only handle shows the file beside a writable one on the same segment") {
  scratch_dir dir;
  const auto a = counted({10000});
  larder::dump(std::pair<array<double>, array<double>>(a, a), dir / "m");
  REQUIRE(arrays_in(dir / "m") == 1);
  const auto [fixed, open] = load<std::pair<array<const double>, array<double>>>(dir / "m");
  open(0) = -1;
  CHECK(fixed(0) == 1);
  const auto [open_first, fixed_second] = load<std::pair<array<double>, array<const double>>>(dir / "m");
  open_first(0) = -1;
  CHECK(fixed_second(0) == 1);
  CHECK(fixed_second.origin()->mode == mmap_mode::read);
}

TEST_CASE("read_write maps the arrays of an object for writing and marks the file") {
  scratch_dir dir;
  const auto path = dir / "m";
  larder::dump(mixed{counted({10}), counted({20}), {1, 2}}, path);
  {
    const auto rw = load<mixed>(path, {.mmap_mode = mmap_mode::read_write});
    CHECK(larder::inspect(path).state == file_state::dirty);
    CHECK(rw.open.origin()->mode == mmap_mode::read_write);
    CHECK(rw.fixed.origin()->mode == mmap_mode::read);
    rw.open(3) = -4;
  }
  CHECK(load<mixed>(path).open(3) == -4);
  CHECK(load<mixed>(path, {.mmap_mode = mmap_mode::none}).open(3) == -4);
  CHECK(larder::verify(path).state == file_state::dirty);
  larder::reseal(path);
  CHECK(larder::verify(path).state == file_state::sealed);
  const auto back = load<mixed>(path, {.verification = larder::verification::full});
  CHECK(back.open(3) == -4);
  CHECK(back.fixed(9) == 10);
  CHECK(back.numbers == std::vector<double>{1, 2});
  const auto changed = counted({20});
  changed(3) = -4;
  larder::dump(mixed{counted({10}), changed, {1, 2}}, dir / "expected");
  CHECK(read_file(path) == read_file(dir / "expected"));
}

TEST_CASE("an object without writable arrays leaves its file sealed when it is loaded read_write") {
  scratch_dir dir;
  larder::dump(named{{"a", counted({10})}}, dir / "m");
  const auto back = load<named_const>(dir / "m", {.mmap_mode = mmap_mode::read_write});
  CHECK(back.at("a").origin()->mode == mmap_mode::read);
  CHECK(larder::inspect(dir / "m").state == file_state::sealed);
}

TEST_CASE("read is refused for an object with writable arrays and the reason is named") {
  scratch_dir dir;
  larder::dump(named{{"a", counted({10})}}, dir / "m");
  CHECK_THROWS_AS(load<named>(dir / "m", {.mmap_mode = mmap_mode::read}), larder::value_error);
  CHECK_THROWS_WITH(load<named>(dir / "m", {.mmap_mode = mmap_mode::read}),
                    ContainsSubstring("array<const T>") && ContainsSubstring((dir / "m").string()));
  CHECK(load<named_const>(dir / "m", {.mmap_mode = mmap_mode::read}).at("a")(9) == 10);
}

TEST_CASE("vectors in a file load as arrays and arrays as vectors") {
  scratch_dir dir;
  const named_vectors vectors{{"large", std::vector<double>(20000, 2)}, {"small", {1, 2, 3}}, {"none", {}}};
  larder::dump(vectors, dir / "v");
  const auto arrays = load<named_const>(dir / "v");
  REQUIRE(arrays.size() == 3);
  CHECK(arrays.at("large").is_mapped());
  CHECK(arrays.at("small")(2) == 3);
  CHECK(arrays.at("none").size() == 0);
  const auto writable = load<named>(dir / "v");
  writable.at("small")(0) = 5;
  writable.at("large")(0) = 5;
  CHECK(load<named_vectors>(dir / "v") == vectors);

  larder::dump(writable, dir / "a");
  const auto back = load<named_vectors>(dir / "a");
  CHECK(back.at("small") == std::vector<double>{5, 2, 3});
  CHECK(back.at("large").size() == 20000);
  CHECK(back.at("none").empty());
}

TEST_CASE("one view that two handles share does not load as two vectors and the reason is named") {
  scratch_dir dir;
  const auto a = counted({3});
  larder::dump(named{{"a", a}, {"b", a}}, dir / "m");
  CHECK_THROWS_WITH(load<named_vectors>(dir / "m"), ContainsSubstring("load all of them as arrays"));
  CHECK(load<named_const>(dir / "m").at("b")(2) == 3);
}

TEST_CASE("an array of two dimensions is no vector within an object either") {
  scratch_dir dir;
  larder::dump(named{{"a", counted({2, 3})}}, dir / "m");
  CHECK_THROWS_AS(load<named_vectors>(dir / "m"), larder::layout_error);
}

TEST_CASE("arrays behind pointers and in optionals are mapped too") {
  scratch_dir dir;
  using deep = std::map<int, std::optional<std::shared_ptr<array<const double>>>>;
  const auto shared = std::make_shared<array<const double>>(counted({100}));
  larder::dump(deep{{1, shared}, {2, std::nullopt}, {3, shared}}, dir / "m");
  CHECK(arrays_in(dir / "m") == 1);
  const auto back = load<deep>(dir / "m");
  CHECK((*back.at(1))->is_mapped());
  CHECK(*back.at(1) == *back.at(3));
  CHECK_FALSE(back.at(2));
}

TEST_CASE("a loaded object outlives its file") {
  scratch_dir dir;
  larder::dump(named{{"a", counted({100000})}}, dir / "m");
  const auto back = load<named_const>(dir / "m");
  larder::dump(named{{"a", array<double>({100000})}}, dir / "m");
  CHECK(back.at("a")(99999) == 100000);
  std::filesystem::remove(dir / "m");
  CHECK(back.at("a")(99998) == 99999);
  // And goes to another one, or in its own file's place.
  larder::dump(back, dir / "m");
  const auto again = load<named_const>(dir / "m");
  larder::dump(again, dir / "m");
  check_same(load<named_const>(dir / "m").at("a"), counted({100000}));
}

TEST_CASE("an object that is sealed for good is not mapped for writing") {
  scratch_dir dir;
  larder::dump(named{{"a", counted({10})}}, dir / "m");
  std::filesystem::permissions(dir / "m", std::filesystem::perms(0444));
  CHECK_THROWS_AS(load<named>(dir / "m", {.mmap_mode = mmap_mode::read_write}), larder::io_error);
  CHECK(larder::verify(dir / "m").state == file_state::sealed);
}

TEST_CASE("an object holds thousands of arrays") {
  std::vector<array<double>> v;
  for (int i = 0; i < 3000; ++i) {
    v.emplace_back(larder::extents(i % 7 + 1));
    v.back().fill(i);
  }
  const auto back = round_trip(v);
  REQUIRE(back.size() == v.size());
  for (std::size_t i = 0; i < v.size(); ++i) {
    REQUIRE(back[i].size() == i % 7 + 1);
    REQUIRE(back[i](i % 7) == static_cast<double>(i));
  }
}

TEST_CASE("the verification of an object's arrays is chosen as for one array") {
  scratch_dir dir;
  const auto path = dir / "m";
  const std::size_t large = (std::size_t{5} << 20) / sizeof(double);
  const named m{{"large", counted({large})}, {"small", counted({1000})}};
  using larder::verification;
  const auto damage = [&](std::size_t segment) {
    larder::dump(m, path);
    std::string bytes = read_file(path);
    bytes[larder::inspect(path).segments.at(segment).array->data_offset + 77] ^= 4;
    write_file(path, bytes);
  };
  const auto is_seen = [&](const larder::load_options& options) {
    try {
      load<named_const>(path, options);
      return false;
    } catch (const larder::format_error& e) {
      CHECK(e.code() == larder::format_code::seg_checksum);
      return true;
    }
  };
  damage(0);
  CHECK_FALSE(is_seen({}));
  CHECK_FALSE(is_seen({.verification = verification::structure}));
  CHECK(is_seen({.verification = verification::full}));
  CHECK(is_seen({.mmap_mode = mmap_mode::none}));
  CHECK(is_seen({.mmap_mode = mmap_mode::none, .verification = verification::structure}));
  CHECK_THROWS_AS(larder::verify(path), larder::format_error);
  damage(1);
  CHECK(is_seen({}));
  CHECK_FALSE(is_seen({.verification = verification::structure}));
  CHECK(is_seen({.mmap_mode = mmap_mode::copy_on_write}));
}
