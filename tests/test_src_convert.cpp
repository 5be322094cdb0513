// convert writes what is in a file in another form.

#include <larder/inspect.hpp>

#include <sys/stat.h>

#include <array>
#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <larder/array.hpp>
#include <larder/dump.hpp>
#include <larder/error.hpp>
#include <larder/hash.hpp>
#include <larder/load.hpp>

#include "tests/catch.hpp"
#include "tests/container_bytes.hpp"
#include "tests/counted.hpp"
#include "tests/file_bytes.hpp"
#include "tests/npy_bytes.hpp"
#include "tests/scratch_dir.hpp"
#include "tests/sole_array.hpp"

using Catch::Matchers::ContainsSubstring;
using larder::array;
using larder::convert;
using larder::dump;
using larder::file_state;
using larder::load;

namespace {

/// The three forms of an array's file, as dump writes them.
const std::array<larder::dump_options, 3> k_forms{{{}, {.bare_npy = true}, {.compress = 3}}};

larder::convert_options to_form(const larder::dump_options& form) {
  return {.compress = form.compress, .bare_npy = form.bare_npy};
}

constexpr std::string_view k_metadata = R"({"function": "f"})";

std::string with_metadata() {
  return container_bytes::made_of(npy_header("<f8", false, {3}) + bytes_of(std::vector<double>{1, 2, 3}), 128,
                                  k_metadata)
      .file();
}

}  // namespace

TEST_CASE("an array's file is converted from every form to every form as dump would write it") {
  scratch_dir dir;
  const auto large = array<double>({1000, 1000});
  large.fill(0.5);
  for (const auto& a : {counted({3, 4}), counted({3, 4}).transpose(), array<double>(), large}) {
    for (const auto& from : k_forms) {
      for (const auto& to : k_forms) {
        CAPTURE(a.size(), from.compress, from.bare_npy, to.compress, to.bare_npy);
        dump(a, dir / "from", from);
        dump(a, dir / "expected", to);
        convert(dir / "from", dir / "to", to_form(to));
        CHECK(read_file(dir / "to") == read_file(dir / "expected"));
        convert(dir / "from", dir / "from", to_form(to));
        CHECK(read_file(dir / "from") == read_file(dir / "expected"));
        CHECK(dir.names() == std::vector<std::string>{"expected", "from", "to"});
      }
    }
  }
}

TEST_CASE("an object's file is compressed and decompressed without knowing its type") {
  scratch_dir dir;
  const std::map<std::string, array<double>> m{
      {"a", counted({30, 40})}, {"b", counted({5, 6}).transpose()}, {"none", array<double>()}};
  dump(m, dir / "raw");
  dump(m, dir / "packed", {.compress = 7});
  convert(dir / "raw", dir / "a", {.compress = 7});
  CHECK(read_file(dir / "a") == read_file(dir / "packed"));
  convert(dir / "a", dir / "a");
  CHECK(read_file(dir / "a") == read_file(dir / "raw"));
  convert(dir / "packed", dir / "a", {.compress = 1});
  CHECK(larder::hash(load<std::map<std::string, array<const double>>>(dir / "a")) == larder::hash(m));
  CHECK_THROWS_AS(convert(dir / "raw", dir / "b", {.bare_npy = true}), larder::value_error);
  CHECK_THROWS_WITH(convert(dir / "raw", dir / "b", {.bare_npy = true}),
                    ContainsSubstring("map<string,array<f64>>"));
  CHECK_FALSE(std::filesystem::exists(dir / "b"));
}

TEST_CASE("convert keeps metadata but in a plain npy") {
  scratch_dir dir;
  write_file(dir / "a", with_metadata());
  convert(dir / "a", dir / "z", {.compress = 3});
  const auto info = larder::verify(dir / "z");
  CHECK(info.metadata == k_metadata);
  REQUIRE(info.segments.size() == 2);
  CHECK(info.segments[0].compressed);
  CHECK_FALSE(info.segments[1].compressed);
  CHECK(load<std::vector<double>>(dir / "z") == std::vector<double>{1, 2, 3});
  convert(dir / "z", dir / "back");
  CHECK(read_file(dir / "back") == with_metadata());
  convert(dir / "z", dir / "plain", {.bare_npy = true});
  CHECK(larder::inspect(dir / "plain").metadata.empty());
  CHECK(read_file(dir / "plain") == npy_header("<f8", false, {3}) + bytes_of(std::vector<double>{1, 2, 3}));
}

TEST_CASE("convert seals what was written to in place") {
  scratch_dir dir;
  dump(counted({10}), dir / "a");
  load<array<double>>(dir / "a", {.mmap_mode = larder::mmap_mode::read_write})(0) = 7;
  REQUIRE(larder::inspect(dir / "a").state == file_state::dirty);
  convert(dir / "a", dir / "z", {.compress = 1});
  CHECK(larder::verify(dir / "z").state == file_state::sealed);
  CHECK(load<array<const double>>(dir / "z")(0) == 7);
  convert(dir / "a", dir / "a");
  CHECK(larder::verify(dir / "a").state == file_state::sealed);
  CHECK(load<array<const double>>(dir / "a")(0) == 7);
}

TEST_CASE("convert brings files of another byte order and version into the library's own") {
  scratch_dir dir;
  const std::vector<double> elements{1, 2, 3, 4, 5, 6};
  write_file(dir / "a", npy_around(npy_dictionary(">f8", true, {2, 3}), 2) + swapped_bytes_of(elements));
  convert(dir / "a", dir / "b", {.bare_npy = true});
  CHECK(read_file(dir / "b") == npy_header("<f8", true, {2, 3}) + bytes_of(elements));
  convert(dir / "a", dir / "z", {.compress = 1});
  CHECK(load<array<const double>>(dir / "z")(1, 2) == 6);
}

TEST_CASE("convert keeps the mapping of what it replaces") {
  scratch_dir dir;
  dump(counted({100000}), dir / "a");
  const auto mapped = load<array<const double>>(dir / "a");
  convert(dir / "a", dir / "a", {.compress = 1});
  REQUIRE(mapped.is_mapped());
  CHECK(mapped(99999) == 100000);
  CHECK(load<array<const double>>(dir / "a")(99999) == 100000);
}

TEST_CASE("convert refuses what is damaged and bad options and leaves what was there") {
  scratch_dir dir;
  dump(counted({1000}), dir / "a");
  std::string bytes = read_file(dir / "a");
  bytes[128 + 500] ^= 1;
  write_file(dir / "a", bytes);
  write_file(dir / "b", "what was there");
  for (const auto& form : k_forms) {
    CHECK_THROWS_WITH(convert(dir / "a", dir / "b", to_form(form)), ContainsSubstring("E_SEG_CHECKSUM"));
    CHECK_THROWS_AS(convert(dir / "a", dir / "a", to_form(form)), larder::format_error);
  }
  dump(counted({1000}), dir / "a");
  CHECK_THROWS_AS(convert(dir / "a", dir / "b", {.compress = 20}), larder::value_error);
  CHECK_THROWS_AS(convert(dir / "a", dir / "b", {.compress = -1}), larder::value_error);
  CHECK_THROWS_AS(convert(dir / "a", dir / "b", {.compress = 1, .bare_npy = true}), larder::value_error);
  CHECK_THROWS_AS(convert(dir / "none", dir / "b"), larder::io_error);
  CHECK_THROWS_AS(convert(dir / "a", dir / "none" / "b"), larder::io_error);
  CHECK(read_file(dir / "b") == "what was there");
  CHECK(dir.names() == std::vector<std::string>{"a", "b"});
}

TEST_CASE("reseal keeps compressed arrays compressed beside those that were written to") {
  scratch_dir dir;
  dump(counted({1000}), dir / "z", {.compress = 3});
  const std::string before = read_file(dir / "z");
  larder::reseal(dir / "z");
  CHECK(read_file(dir / "z") == before);
}
