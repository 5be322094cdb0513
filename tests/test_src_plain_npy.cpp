// Plain .npy files, as NumPy and others write them, and those that are none.

#include <larder/load.hpp>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include <larder/error.hpp>
#include <larder/inspect.hpp>

#include "tests/catch.hpp"
#include "tests/file_bytes.hpp"
#include "tests/npy_bytes.hpp"
#include "tests/scratch_dir.hpp"
#include "tests/sole_array.hpp"

using Catch::Matchers::ContainsSubstring;
using larder::array;
using larder::load;
using larder::mmap_mode;

namespace {

const std::vector<double> k_elements{1.5, -2, 3, 4, 5, 6};

/// What load says to a file of these bytes, in memory and mapped: "" where it loads, else the code.
std::string refusal(std::string_view bytes) {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  write_file(path, bytes);
  std::vector<std::string> codes;
  for (const auto mode : {mmap_mode::none, mmap_mode::copy_on_write}) {
    try {
      load<array<double>>(path, {.mmap_mode = mode});
      codes.emplace_back();
    } catch (const larder::format_error& e) {
      CHECK_THAT(e.what(),
                 ContainsSubstring(path.string()) && ContainsSubstring(std::string(name(e.code()))));
      codes.emplace_back(name(e.code()));
    }
  }
  CHECK(codes[0] == codes[1]);
  return codes[0];
}

std::string with_dictionary(const std::string& text, char major = 1) {
  return npy_around(text, major) + bytes_of(k_elements);
}

bool one_of(const std::string& found, std::initializer_list<std::string_view> expected) {
  UNSCOPED_INFO("found \"" << found << '"');
  for (const auto& code : expected) {
    if (found == code) return true;
  }
  return false;
}

void check_elements(const array<const double>& a) {
  REQUIRE(a.shape().size() == 2);
  REQUIRE(a.shape(0) == 2);
  REQUIRE(a.shape(1) == 3);
  for (std::size_t i = 0; i < 6; ++i) CHECK(a(i / 3, i % 3) == k_elements[i]);
}

}  // namespace

TEST_CASE("plain files of all header versions are loaded and mapped") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  for (const char major : {'\1', '\2', '\3'}) {
    CAPTURE(static_cast<int>(major));
    write_file(path, npy_around(npy_dictionary("<f8", false, {2, 3}), major) + bytes_of(k_elements));
    check_elements(load<array<const double>>(path));
    CHECK(load<array<const double>>(path).is_mapped());
    check_elements(load<array<double>>(path, {.mmap_mode = mmap_mode::none}));
    check_elements(load<array<double>>(path, {.mmap_mode = mmap_mode::read_write}));
    CHECK(larder::verify(path).state == larder::file_state::plain);
  }
}

TEST_CASE("headers that other programs write are understood") {
  for (const char* text : {
           "{'descr': '<f8', 'fortran_order': False, 'shape': (6,), }",  // without the growth padding
           "{'descr': '<f8', 'fortran_order': False, 'shape': (6,)}",    // without the last comma
           "{\"descr\": \"<f8\", \"fortran_order\": False, \"shape\": (6,)}",
           "{'shape': (6,), 'descr': '<f8', 'fortran_order': False}",  // in another order
           "{'descr':'<f8','fortran_order':False,'shape':(6,)}",
           "{ 'descr' : '<f8' , 'fortran_order' : False , 'shape' : ( 6 , ) }",
           "{'descr': '<f8', 'fortran_order': True, 'shape': (6,)}",
           "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3,)}",
       }) {
    CAPTURE(text);
    CHECK(refusal(with_dictionary(text)).empty());
  }
}

TEST_CASE("foreign byte order is copied by default") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  for (const bool fortran : {false, true}) {
    const std::vector<double> stored = fortran ? std::vector<double>{1.5, 4, -2, 5, 3, 6} : k_elements;
    write_file(path, npy_header(">f8", fortran, {2, 3}) + swapped_bytes_of(stored));
    const std::string before = read_file(path);
    const auto ro = load<array<const double>>(path);
    check_elements(ro);
    CHECK_FALSE(ro.is_mapped());
    const auto writable = load<array<double>>(path);
    check_elements(writable);
    writable(0, 0) = 0;
    check_elements(load<array<double>>(path, {.mmap_mode = mmap_mode::none}));
    CHECK(sole_array(larder::inspect(path)).foreign_byte_order);
    CHECK(read_file(path) == before);
  }
  write_file(path, npy_header(">i2", false, {3}) + swapped_bytes_of(std::vector<std::int16_t>{1, -2, 300}));
  CHECK(load<std::vector<std::int16_t>>(path) == std::vector<std::int16_t>{1, -2, 300});
  CHECK_THROWS_AS(load<array<std::uint16_t>>(path), larder::type_mismatch);
}

TEST_CASE("foreign byte order is not mapped and the text says how to load it") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  write_file(path, npy_header(">f8", false, {2, 3}) + swapped_bytes_of(k_elements));
  const std::string before = read_file(path);
  for (const auto mode : {mmap_mode::copy_on_write, mmap_mode::read_write}) {
    CHECK_THROWS_AS(load<array<double>>(path, {.mmap_mode = mode}), larder::value_error);
    CHECK_THROWS_WITH(load<array<double>>(path, {.mmap_mode = mode}), ContainsSubstring(path.string()) &&
                                                                          ContainsSubstring("byte order") &&
                                                                          ContainsSubstring("none"));
  }
  CHECK_THROWS_AS(load<array<const double>>(path, {.mmap_mode = mmap_mode::read}), larder::value_error);
  CHECK(read_file(path) == before);
}

TEST_CASE("max_bytes holds for what is copied because of its byte order") {
  scratch_dir dir;
  write_file(dir / "a.npy", npy_header(">f8", false, {2, 3}) + swapped_bytes_of(k_elements));
  CHECK_THROWS_WITH(load<array<const double>>(dir / "a.npy", {.max_bytes = 47}), ContainsSubstring("E_BOMB"));
  CHECK_NOTHROW(load<array<const double>>(dir / "a.npy", {.max_bytes = 48}));
}

TEST_CASE("data that are not aligned are copied by default and not mapped") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  for (const std::size_t odd : {1U, 2U, 4U}) {
    CAPTURE(odd);
    std::string header = npy_header("<f8", false, {2, 3});
    header.insert(header.size() - 1, odd, ' ');
    header[8] = static_cast<char>(header[8] + static_cast<char>(odd));
    write_file(path, header + bytes_of(k_elements));
    const auto a = load<array<const double>>(path);
    CHECK(reinterpret_cast<std::uintptr_t>(a.data()) % alignof(double) == 0);
    check_elements(a);
    check_elements(load<array<double>>(path));
    check_elements(load<array<double>>(path, {.mmap_mode = mmap_mode::none}));
    CHECK_THROWS_AS(load<array<const double>>(path, {.mmap_mode = mmap_mode::read}), larder::value_error);
    CHECK_THROWS_WITH(load<array<double>>(path, {.mmap_mode = mmap_mode::read_write}),
                      ContainsSubstring(path.string()) && ContainsSubstring("none"));
  }
}

TEST_CASE("data at any multiple of their own size are mapped") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  write_file(path, npy_around("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3)}", 1, 16) +
                       bytes_of(k_elements));  // as NumPy did before 1.14
  CHECK(load<array<const double>>(path, {.mmap_mode = mmap_mode::read}).is_mapped());
  check_elements(load<array<const double>>(path));
  write_file(path, npy_around("{'descr': '|i1', 'fortran_order': False, 'shape': (3,)}", 1, 1) + "abc");
  CHECK(load<array<const std::int8_t>>(path, {.mmap_mode = mmap_mode::read})(2) == 'c');
}

TEST_CASE("what is no npy file is refused by its beginning") {
  CHECK(refusal("") == "E_EMPTY");
  CHECK(refusal("hello, world\n") == "E_MAGIC");
  CHECK(refusal(std::string(1000, '\0')) == "E_MAGIC");
  CHECK(refusal("x") == "E_MAGIC");
  CHECK(one_of(refusal("\x93NUM"), {"E_MAGIC", "E_TRUNCATED"}));
  CHECK(one_of(refusal("\x93NUMPY"), {"E_MAGIC", "E_TRUNCATED"}));
}

TEST_CASE("a header of another version is refused") {
  const std::string file = npy_header("<f8", false, {6}) + bytes_of(k_elements);
  for (const char major : {'\0', '\4', '\x7f'}) {
    std::string changed = file;
    changed[6] = major;
    CHECK(refusal(changed) == "E_NPY_VERSION");
  }
  std::string changed = file;
  changed[7] = 1;
  CHECK(refusal(changed) == "E_NPY_VERSION");
}

TEST_CASE("a header longer than the limit is refused") {
  const std::string text = npy_dictionary("<f8", false, {6});
  const auto padded = [&](std::size_t header, char major) {
    const std::size_t prefix = major == 1 ? 10 : 12;
    return with_dictionary(text + std::string(header - prefix - text.size() - 2, ' '), major);
  };
  REQUIRE(padded(9984, 1).size() == 9984 + 48);
  CHECK(refusal(padded(9984, 1)).empty());
  CHECK(refusal(padded(9984, 2)).empty());
  CHECK(refusal(padded(9984 + 64, 1)) == "E_NPY_HDRSIZE");
  CHECK(refusal(padded(9984 + 64, 2)) == "E_NPY_HDRSIZE");
  std::string huge = with_dictionary(text, 2);
  huge.replace(8, 4, "\xff\xff\xff\xff");
  CHECK(one_of(refusal(huge), {"E_NPY_HDRSIZE", "E_TRUNCATED"}));
}

TEST_CASE("a header without its end is refused") {
  const std::string header = npy_header("<f8", false, {6});
  CHECK(refusal(header.substr(0, 60)) == "E_TRUNCATED");
  CHECK(refusal(header.substr(0, 127)) == "E_TRUNCATED");
  std::string empty = header.substr(0, 10);
  empty[8] = empty[9] = 0;
  CHECK(one_of(refusal(empty + bytes_of(k_elements)), {"E_NPY_HEADER", "E_NPY_HDRSIZE"}));
}

TEST_CASE("a header that is no dictionary of three keys is refused") {
  const std::string good = "{'descr': '<f8', 'fortran_order': False, 'shape': (6,)}";
  REQUIRE(refusal(with_dictionary(good)).empty());
  for (const char* text : {"",
                           "{",
                           "}",
                           "hello",
                           "('descr', '<f8')",
                           "{'descr': '<f8', 'fortran_order': False, 'shape': (6,)",
                           "{'descr': '<f8', 'fortran_order': False, 'shape': (6,)}}",
                           "{'descr': '<f8', 'fortran_order': False, 'shape': (6,)} x",
                           "{'descr': '<f8' 'fortran_order': False, 'shape': (6,)}",
                           "{'descr': '<f8', 'fortran_order': 0, 'shape': (6,)}",
                           "{'descr': '<f8', 'fortran_order': Falsey, 'shape': (6,)}",
                           "{'descr': '<f8', 'fortran_order': false, 'shape': (6,)}",
                           "{'descr': '<f8', 'fortran_order': False, 'shape': 6}",
                           "{'descr': '<f8', 'fortran_order': False, 'shape': (6)}",
                           "{'descr': '<f8', 'fortran_order': False, 'shape': [6]}",
                           "{'descr': '<f8', 'fortran_order': False, 'shape': (,)}",
                           "{'descr': '<f8', 'fortran_order': False, 'shape': (6,,)}",
                           "{'descr': '<f8', 'fortran_order': False, 'shape': (6.0,)}",
                           "{'descr': '<f8', 'fortran_order': False, 'shape': (+6,)}",
                           "{'descr': '<f8', 'fortran_order': False, 'shape': (0x6,)}",
                           "{'descr': '<f8', 'fortran_order': False, 'shape': ('6',)}",
                           "{'descr': '<f8', 'fortran_order': False, 'shape': (6,",
                           "{'descr': '<f8, 'fortran_order': False, 'shape': (6,)}"}) {
    CAPTURE(text);
    CHECK(one_of(refusal(with_dictionary(text)), {"E_NPY_HEADER", "E_NPY_KEYS", "E_DTYPE"}));
  }
  for (const char* text : {"{}", "{'descr': '<f8', 'fortran_order': False}",
                           "{'descr': '<f8', 'shape': (6,)}", "{'fortran_order': False, 'shape': (6,)}",
                           "{'descr': '<f8', 'fortran_order': False, 'shape': (6,), 'more': 1}",
                           "{'descr': '<f8', 'fortran_order': False, 'shape': (6,), 'shape': (6,)}",
                           "{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': (6,)}",
                           "{'Descr': '<f8', 'fortran_order': False, 'shape': (6,)}"}) {
    CAPTURE(text);
    CHECK(one_of(refusal(with_dictionary(text)), {"E_NPY_KEYS", "E_NPY_HEADER"}));
  }
  CHECK(one_of(refusal(with_dictionary(good.substr(0, 20) + '\0' + good.substr(20))),
               {"E_NPY_HEADER", "E_NPY_KEYS"}));
}

TEST_CASE("element types of no array are refused") {
  for (const char* descr : {"|O", "|f2", "<f16", "<c32", "|c8", "|V3", "|S5", "<U3", "<M8[ns]", "<i3", "<u9",
                            "<x8", "f8x", "", "<f", "8", "<f88", "<f-8", "|b"}) {
    CAPTURE(descr);
    const std::string text =
        "{'descr': '" + std::string(descr) + "', 'fortran_order': False, 'shape': (6,), }";
    CHECK(refusal(with_dictionary(text)) == "E_DTYPE");
  }
  const std::string fields = "{'descr': [('x', '<f8')], 'fortran_order': False, 'shape': (6,), }";
  CHECK(one_of(refusal(with_dictionary(fields)), {"E_DTYPE", "E_NPY_HEADER"}));
}

TEST_CASE("shapes that no array can have are refused") {
  const auto shaped = [](const std::string& shape) {
    return refusal(with_dictionary("{'descr': '<f8', 'fortran_order': False, 'shape': " + shape + ", }"));
  };
  CHECK(one_of(shaped("(-1,)"), {"E_NPY_HEADER", "E_SHAPE_OVERFLOW"}));
  CHECK(shaped("(18446744073709551616,)") == "E_SHAPE_OVERFLOW");
  CHECK(shaped("(99999999999999999999999999999999999999,)") == "E_SHAPE_OVERFLOW");
  CHECK(shaped("(4294967296, 4294967296)") == "E_SHAPE_OVERFLOW");
  CHECK(shaped("(1152921504606846976,)") == "E_SHAPE_OVERFLOW");       // times 8: 2^63
  CHECK(shaped("(1152921504606846975,)") == "E_TRUNCATED");            // just fits
  CHECK(shaped("(0, 4294967296, 4294967296)") == "E_SHAPE_OVERFLOW");  // zero sizes do not hide it
  CHECK(shaped("(9223372036854775807, 0, 3)") == "E_SHAPE_OVERFLOW");
  std::string most = "(6, ";
  for (int i = 0; i < 31; ++i) most += "1, ";
  CHECK(shaped(most + ")").empty());
  CHECK(shaped(most + "1)") == "E_NDIM");
}

TEST_CASE("a file that ends before its data is refused without taking memory for them") {
  const std::string bytes = bytes_of(k_elements);
  CHECK(refusal(npy_header("<f8", false, {6}) + bytes.substr(0, 47)) == "E_TRUNCATED");
  CHECK(refusal(npy_header("<f8", false, {6})) == "E_TRUNCATED");
  CHECK(refusal(npy_header("<f8", false, {std::size_t{1} << 55}) + bytes) == "E_TRUNCATED");
}

TEST_CASE("bytes after the data that are no trailer are refused") {
  const std::string file = npy_header("<f8", false, {6}) + bytes_of(k_elements);
  for (const std::size_t more : {1U, 16U, 63U, 64U, 128U, 1000U}) {
    CAPTURE(more);
    CHECK(one_of(refusal(file + std::string(more, '\0')), {"E_TRAILER"}));
  }
}

TEST_CASE("a plain file may end with what looks like half a trailer") {
  std::string data(64, '\0');
  data.replace(56, 8, "\r\nLRDEND");
  CHECK(refusal(npy_header("<f8", false, {8}) + data).empty());
}
