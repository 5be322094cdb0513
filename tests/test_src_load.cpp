// How loaded arrays relate to their files: modes, constness, verification, what is refused.

#include <larder/load.hpp>

#include <sys/stat.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <larder/dump.hpp>
#include <larder/error.hpp>
#include <larder/inspect.hpp>

#include "tests/catch.hpp"
#include "tests/container_bytes.hpp"
#include "tests/counted.hpp"
#include "tests/file_bytes.hpp"
#include "tests/npy_bytes.hpp"
#include "tests/refused.hpp"
#include "tests/scratch_dir.hpp"

namespace fs = std::filesystem;
using Catch::Matchers::ContainsSubstring;
using larder::array;
using larder::extents;
using larder::file_state;
using larder::load;
using larder::mmap_mode;
using larder::verification;

TEST_CASE("an array of const is mapped read-only by default") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  larder::dump(counted({4, 3}), path);
  const auto a = load<array<const double>>(path);
  CHECK(a.is_mapped());
  REQUIRE(a.origin().has_value());
  CHECK(a.origin()->path == path.string());
  CHECK(a.origin()->offset == 128);
  CHECK(a.origin()->mode == mmap_mode::read);
  CHECK(a.slice(0, 1, 3).origin()->offset == 128 + 24);
  CHECK(a.sub(2).sub(1).origin()->offset == 128 + 56);
  CHECK_FALSE(a.copy().is_mapped());
}

TEST_CASE("an array is mapped copy-on-write by default and its writes stay its own") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  larder::dump(counted({4}), path);
  const std::string before = read_file(path);
  const auto a = load<array<double>>(path);
  CHECK(a.origin()->mode == mmap_mode::copy_on_write);
  const auto b = load<array<double>>(path);
  a(2) = -1;
  CHECK(a(2) == -1);
  CHECK(b(2) == 3);
  CHECK(load<array<const double>>(path)(2) == 3);
  CHECK(read_file(path) == before);
  CHECK(larder::verify(path).state == file_state::sealed);
}

TEST_CASE("an array of const can be mapped copy-on-write") {
  scratch_dir dir;
  larder::dump(counted({4}), dir / "a.npy");
  const auto a = load<array<const double>>(dir / "a.npy", {.mmap_mode = mmap_mode::copy_on_write});
  CHECK(a.origin()->mode == mmap_mode::copy_on_write);
  CHECK(a(3) == 4);
}

TEST_CASE("mode none copies to memory") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  larder::dump(counted({4}), path);
  const std::string before = read_file(path);
  const auto a = load<array<double>>(path, {.mmap_mode = mmap_mode::none});
  CHECK_FALSE(a.is_mapped());
  a(0) = 9;
  CHECK(read_file(path) == before);
  fs::remove(path);
  CHECK(a(3) == 4);
}

TEST_CASE("mode read_write writes to the file") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  larder::dump(counted({4}), path);
  const auto seen = load<array<const double>>(path);
  const auto a = load<array<double>>(path, {.mmap_mode = mmap_mode::read_write});
  CHECK(a.origin()->mode == mmap_mode::read_write);
  CHECK(a(1) == 2);
  a(1) = -5;
  CHECK(seen(1) == -5);
  CHECK(load<array<const double>>(path, {.mmap_mode = mmap_mode::none})(1) == -5);
}

TEST_CASE("mode read_write marks the file before it returns and changes no other byte") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  larder::dump(counted({4}), path);
  std::string expected = read_file(path);
  expected.replace(expected.size() - 64 + 44, 4, "DRTY");
  const auto a = load<array<double>>(path, {.mmap_mode = mmap_mode::read_write});
  CHECK(read_file(path) == expected);
  CHECK(larder::inspect(path).state == file_state::dirty);
  CHECK(larder::verify(path).state == file_state::dirty);
  const auto again = load<array<double>>(path, {.mmap_mode = mmap_mode::read_write});
  CHECK(read_file(path) == expected);
}

TEST_CASE("mode read_write on a plain file changes its data alone") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  larder::dump(counted({2}), path, {.bare_npy = true});
  std::string expected = read_file(path);
  load<array<double>>(path, {.mmap_mode = mmap_mode::read_write})(0) = 2.0;
  expected.replace(128, 8, expected.substr(136, 8));
  CHECK(read_file(path) == expected);
}

TEST_CASE("what is refused for read_write is not marked") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  larder::dump(counted({4}), path);
  std::string before = read_file(path);
  const larder::load_options rw = {.mmap_mode = mmap_mode::read_write};
  SECTION("an array of const") { CHECK_THROWS_AS(load<array<const double>>(path, rw), larder::value_error); }
  SECTION("a vector") { CHECK_THROWS_AS(load<std::vector<double>>(path, rw), larder::value_error); }
  SECTION("another type") { CHECK_THROWS_AS(load<array<float>>(path, rw), larder::type_mismatch); }
  SECTION("damaged data") {
    before[130] ^= 1;
    write_file(path, before);
    CHECK_THROWS_AS(load<array<double>>(path, rw), larder::format_error);
  }
  CHECK(read_file(path) == before);
}

TEST_CASE("constness and the mapping have to agree and the text says how") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  larder::dump(counted({4}), path);
  CHECK_THROWS_AS(load<array<double>>(path, {.mmap_mode = mmap_mode::read}), larder::value_error);
  CHECK_THROWS_WITH(load<array<double>>(path, {.mmap_mode = mmap_mode::read}),
                    ContainsSubstring("read") && ContainsSubstring("const"));
  CHECK_THROWS_AS(load<array<const double>>(path, {.mmap_mode = mmap_mode::read_write}), larder::value_error);
  CHECK_THROWS_WITH(load<array<const double>>(path, {.mmap_mode = mmap_mode::read_write}),
                    ContainsSubstring("read_write") && ContainsSubstring("const"));
}

TEST_CASE("a vector is copied out of the file") {
  scratch_dir dir;
  const auto path = dir / "v.npy";
  larder::dump(std::vector<double>{1, 2, 3}, path);
  CHECK(load<std::vector<double>>(path) == std::vector<double>{1, 2, 3});
  CHECK(load<std::vector<double>>(path, {.mmap_mode = mmap_mode::none}) == std::vector<double>{1, 2, 3});
  for (const auto mode : {mmap_mode::read, mmap_mode::copy_on_write, mmap_mode::read_write}) {
    CHECK_THROWS_AS(load<std::vector<double>>(path, {.mmap_mode = mode}), larder::value_error);
  }
}

TEST_CASE("a vector is refused where the array is not one-dimensional") {
  scratch_dir dir;
  larder::dump(counted({2, 3}), dir / "two.npy");
  larder::dump(counted(extents()), dir / "none.npy");
  CHECK_THROWS_AS(load<std::vector<double>>(dir / "two.npy"), larder::layout_error);
  CHECK_THROWS_WITH(load<std::vector<double>>(dir / "two.npy"),
                    ContainsSubstring((dir / "two.npy").string()));
  CHECK_THROWS_AS(load<std::vector<double>>(dir / "none.npy"), larder::layout_error);
}

TEST_CASE("another element type is a type_mismatch that names both") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  larder::dump(array<float>({3}), path);
  for (const auto mode : {mmap_mode::none, mmap_mode::copy_on_write, mmap_mode::read_write}) {
    try {
      load<array<double>>(path, {.mmap_mode = mode});
      FAIL("loaded as another type");
    } catch (const larder::type_mismatch& e) {
      CHECK(e.code() == larder::format_code::type);
      CHECK(e.path() == path.string());
      CHECK(e.expected() == "array<f64>");
      CHECK(e.found() == "array<f32>");
      CHECK_THAT(e.what(), ContainsSubstring(path.string()) && ContainsSubstring("E_TYPE") &&
                               ContainsSubstring("array<f64>") && ContainsSubstring("array<f32>"));
    }
  }
  CHECK_THROWS_AS(load<array<const std::int32_t>>(path), larder::type_mismatch);
  CHECK_THROWS_AS(load<std::vector<double>>(path), larder::type_mismatch);
  larder::dump(array<std::uint64_t>({3}), path, {.bare_npy = true});
  CHECK_THROWS_AS(load<array<std::int64_t>>(path), larder::type_mismatch);
}

TEST_CASE("a mapping keeps its content when the name is gone") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  larder::dump(counted({3}), path);
  const auto ro = load<array<const double>>(path);
  const auto cow = load<array<double>>(path);
  fs::remove(path);
  CHECK(ro(2) == 3);
  cow(0) = 5;
  CHECK(cow(2) == 3);
  const auto rows = cow.reshape({3, 1});
  CHECK(rows(0, 0) == 5);
}

TEST_CASE("arrays without elements are mapped like others") {
  scratch_dir dir;
  for (const bool bare : {false, true}) {
    larder::dump(counted({0, 3}), dir / "a.npy", {.bare_npy = bare});
    const auto a = load<array<const double>>(dir / "a.npy");
    CHECK(a.shape(1) == 3);
    CHECK(a.size() == 0);
    CHECK(load<array<double>>(dir / "a.npy", {.mmap_mode = mmap_mode::read_write}).size() == 0);
  }
}

TEST_CASE("what is not there is an io_error and for load_if_exists it is nothing") {
  scratch_dir dir;
  const auto path = dir / "no.npy";
  CHECK(refused(path, [&] { load<array<double>>(path); }) == ENOENT);
  CHECK(refused(path, [&] { larder::inspect(path); }) == ENOENT);
  CHECK(refused(path, [&] { larder::verify(path); }) == ENOENT);
  CHECK(refused(path, [&] { larder::reseal(path); }) == ENOENT);
  CHECK_FALSE(larder::load_if_exists<array<double>>(path).has_value());
  CHECK_FALSE(larder::load_if_exists<std::vector<double>>(path).has_value());
  CHECK_FALSE(larder::load_if_exists<array<const double>>(dir / "no" / "a.npy").has_value());
  CHECK(dir.names().empty());
}

TEST_CASE("load_if_exists loads what is there and throws for what is wrong") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  larder::dump(counted({3}), path);
  const auto a = larder::load_if_exists<array<const double>>(path);
  REQUIRE(a.has_value());
  CHECK((*a)(2) == 3);
  CHECK(a->origin()->mode == mmap_mode::read);
  CHECK(*larder::load_if_exists<std::vector<double>>(path) == std::vector<double>{1, 2, 3});
  CHECK_THROWS_AS(larder::load_if_exists<array<float>>(path), larder::type_mismatch);
  CHECK_THROWS_AS(larder::load_if_exists<array<double>>(path, {.mmap_mode = mmap_mode::read}),
                  larder::value_error);
  write_file(path, "");
  CHECK_THROWS_AS(larder::load_if_exists<array<double>>(path), larder::format_error);
  CHECK_THROWS_AS(larder::load_if_exists<array<double>>(dir.path()), larder::io_error);
}

TEST_CASE("a directory or a pipe is an io_error and is not waited for") {
  scratch_dir dir;
  CHECK(refused(dir.path(), [&] { load<array<double>>(dir.path()); }) == EISDIR);
  const auto pipe = dir / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  for (const auto mode : {mmap_mode::none, mmap_mode::copy_on_write, mmap_mode::read_write}) {
    CHECK(refused(pipe, [&] { load<array<double>>(pipe, {.mmap_mode = mode}); }) != 0);
  }
  CHECK(refused(pipe, [&] { larder::inspect(pipe); }) != 0);
  CHECK(refused(pipe, [&] { larder::reseal(pipe); }) != 0);
  CHECK(refused("/dev/null", [&] { load<array<double>>("/dev/null"); }) != 0);
}

TEST_CASE("a symbolic link is followed") {
  scratch_dir dir;
  larder::dump(counted({3}), dir / "a.npy");
  fs::create_symlink("a.npy", dir / "link");
  CHECK(load<array<const double>>(dir / "link")(2) == 3);
}

TEST_CASE("small arrays are verified in every mode unless only the structure is asked for") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  larder::dump(counted({100}), path);
  std::string bytes = read_file(path);
  bytes[500] ^= 4;
  write_file(path, bytes);
  const auto code_of = [&](mmap_mode mode, verification checked) {
    try {
      load<array<double>>(path, {.mmap_mode = mode, .verification = checked});
      return std::string("loaded");
    } catch (const larder::format_error& e) {
      CHECK_THAT(e.what(), ContainsSubstring(path.string()));
      return std::string(larder::name(e.code()));
    }
  };
  CHECK(code_of(mmap_mode::none, verification::automatic) == "E_SEG_CHECKSUM");
  CHECK(code_of(mmap_mode::none, verification::structure) == "E_SEG_CHECKSUM");
  CHECK(code_of(mmap_mode::none, verification::full) == "E_SEG_CHECKSUM");
  CHECK(code_of(mmap_mode::copy_on_write, verification::automatic) == "E_SEG_CHECKSUM");
  CHECK(code_of(mmap_mode::copy_on_write, verification::full) == "E_SEG_CHECKSUM");
  CHECK(code_of(mmap_mode::copy_on_write, verification::structure) == "loaded");
  CHECK(code_of(mmap_mode::read_write, verification::automatic) == "E_SEG_CHECKSUM");
  CHECK(code_of(mmap_mode::read_write, verification::full) == "E_SEG_CHECKSUM");
  CHECK_THROWS_AS(load<array<const double>>(path), larder::format_error);
  CHECK_THROWS_AS(load<std::vector<double>>(path), larder::format_error);
  CHECK_NOTHROW(load<array<const double>>(path, {.verification = verification::structure}));
}

TEST_CASE("arrays above 4 MiB are verified when mapped only if that is asked for") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  const std::size_t limit = std::size_t{4} << 20;
  for (const std::size_t size : {limit, limit + 1}) {
    CAPTURE(size);
    larder::dump(array<std::uint8_t>({size}), path);
    std::string bytes = read_file(path);
    bytes[128 + size - 1] ^= 1;
    write_file(path, bytes);
    using ro = array<const std::uint8_t>;
    if (size == limit) {
      CHECK_THROWS_AS(load<ro>(path), larder::format_error);
    } else {
      CHECK(load<ro>(path)(size - 1) == 1);
      CHECK(load<array<std::uint8_t>>(path)(size - 1) == 1);
    }
    CHECK_THROWS_AS(load<ro>(path, {.verification = verification::full}), larder::format_error);
    CHECK_THROWS_AS(load<array<std::uint8_t>>(path, {.verification = verification::full}),
                    larder::format_error);
    CHECK_NOTHROW(load<ro>(path, {.verification = verification::structure}));
    CHECK_THROWS_AS(load<ro>(path, {.mmap_mode = mmap_mode::none}), larder::format_error);
    CHECK_THROWS_AS(larder::verify(path), larder::format_error);
    CHECK_NOTHROW(larder::inspect(path));
  }
}

TEST_CASE("a dirty file is loaded without its digest and its structure is checked all the same") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  larder::dump(counted({100}), path);
  load<array<double>>(path, {.mmap_mode = mmap_mode::read_write})(50) = -1;
  CHECK(load<array<const double>>(path)(50) == -1);
  CHECK(load<array<const double>>(path, {.mmap_mode = mmap_mode::none})(50) == -1);
  CHECK(load<array<const double>>(path, {.verification = verification::full})(50) == -1);
  CHECK(load<std::vector<double>>(path)[50] == -1);
  container_bytes bytes(read_file(path));
  bytes.flip(8 * bytes.entry(0));
  write_file(path, bytes.file());
  CHECK_THROWS_AS(load<array<const double>>(path), larder::format_error);
}

TEST_CASE("max_bytes limits what is copied to memory and not what is mapped") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  for (const bool bare : {false, true}) {
    larder::dump(counted({100}), path, {.bare_npy = bare});
    CHECK_NOTHROW(load<array<double>>(path, {.mmap_mode = mmap_mode::none, .max_bytes = 800}));
    try {
      load<array<double>>(path, {.mmap_mode = mmap_mode::none, .max_bytes = 799});
      FAIL("took more memory than allowed");
    } catch (const larder::format_error& e) {
      CHECK(e.code() == larder::format_code::bomb);
      CHECK_THAT(e.what(), ContainsSubstring("E_BOMB") && ContainsSubstring("max_bytes") &&
                               ContainsSubstring("800") && ContainsSubstring("799"));
    }
    CHECK_THROWS_AS(load<std::vector<double>>(path, {.max_bytes = 799}), larder::format_error);
    CHECK(load<array<const double>>(path, {.max_bytes = 1}).size() == 100);
  }
}

TEST_CASE("a file larger than the memory is mapped and is not copied beyond max_bytes") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  const std::size_t size = std::size_t{1} << 36;
  write_file(path, npy_header("|u1", false, {size}));
  fs::resize_file(path, 128 + size);  // sparse
  const auto a = load<array<const std::uint8_t>>(path);
  CHECK(a.size() == size);
  CHECK(a(size - 1) == 0);
  CHECK_THROWS_WITH(
      load<array<std::uint8_t>>(path, {.mmap_mode = mmap_mode::none, .max_bytes = std::uint64_t{1} << 30}),
      ContainsSubstring("E_BOMB"));
}
