// What inspect tells, what verify finds, and how reseal mends a file.

#include <larder/inspect.hpp>

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

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

namespace fs = std::filesystem;
using Catch::Matchers::ContainsSubstring;
using larder::array;
using larder::extents;
using larder::file_info;
using larder::file_state;
using larder::load;
using larder::mmap_mode;

namespace {

ino_t inode_of(const fs::path& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_ino;
}

constexpr std::string_view k_metadata = R"({"function": "f", "seconds": 0.25})";

/// An array of 1.0 … 6.0 and metadata, as a cache entry has them.
std::string with_metadata() {
  return container_bytes::made_of(
             npy_header("<f8", false, {6}) + bytes_of(std::vector<double>{1, 2, 3, 4, 5, 6}), 128, k_metadata)
      .file();
}

}  // namespace

TEST_CASE("inspect tells what is in a container") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  const auto a = counted({3, 4});
  larder::dump(a, path);
  const file_info info = larder::inspect(path);
  CHECK(info.state == file_state::sealed);
  CHECK(sole_array(info).dtype == larder::dtype::f64);
  CHECK_FALSE(sole_array(info).foreign_byte_order);
  CHECK_FALSE(sole_array(info).fortran_order);
  CHECK(sole_array(info).shape == std::vector<std::size_t>{3, 4});
  CHECK(info.file_bytes == fs::file_size(path));
  CHECK(sole_array(info).data_offset == 128);
  CHECK(sole_array(info).data_bytes == 96);
  CHECK(sole_digest(info) == larder::hash(a));
  CHECK(info.metadata.empty());
}

TEST_CASE("inspect tells what is in a Fortran-ordered array and in one without dimensions") {
  scratch_dir dir;
  larder::dump(counted({3, 4}).transpose(), dir / "f.npy");
  const file_info f = larder::inspect(dir / "f.npy");
  CHECK(sole_array(f).fortran_order);
  CHECK(sole_array(f).shape == std::vector<std::size_t>{4, 3});
  larder::dump(array<std::uint16_t>(extents()), dir / "s.npy");
  const file_info s = larder::inspect(dir / "s.npy");
  CHECK(sole_array(s).shape.empty());
  CHECK(sole_array(s).dtype == larder::dtype::u16);
  CHECK(sole_array(s).data_bytes == 2);
}

TEST_CASE("inspect and verify name a plain file as such") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  larder::dump(counted({3}), path, {.bare_npy = true});
  for (const file_info& info : {larder::inspect(path), larder::verify(path)}) {
    CHECK(info.state == file_state::plain);
    CHECK_FALSE(sole_digest(info).has_value());
    CHECK(info.file_bytes == 128 + 24);
    CHECK(sole_array(info).data_offset == 128);
    CHECK(sole_array(info).shape == std::vector<std::size_t>{3});
  }
}

TEST_CASE("metadata beside an array are shown and do not matter to loading") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  write_file(path, with_metadata());
  CHECK(larder::inspect(path).metadata == k_metadata);
  CHECK(larder::verify(path).state == file_state::sealed);
  CHECK(load<array<const double>>(path)(5) == 6);
  CHECK(load<std::vector<double>>(path) == std::vector<double>{1, 2, 3, 4, 5, 6});
  CHECK(larder::hash(load<array<const double>>(path)) == larder::hash(counted({6})));
}

TEST_CASE("damaged metadata are found even where only the structure is checked") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  container_bytes file(with_metadata());
  file.flip(8 * file.get<std::uint64_t>(file.entry(1)) + 13);
  write_file(path, file.file());
  CHECK_THROWS_WITH(load<array<const double>>(path, {.verification = larder::verification::structure}),
                    ContainsSubstring("E_SEG_CHECKSUM"));
  CHECK_THROWS_WITH(larder::inspect(path), ContainsSubstring("E_SEG_CHECKSUM"));
  CHECK_THROWS_WITH(larder::verify(path), ContainsSubstring("E_SEG_CHECKSUM"));
}

TEST_CASE("inspect reads no data and verify reads them all") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  larder::dump(counted({1000}), path);
  CHECK(larder::verify(path).state == file_state::sealed);
  std::string bytes = read_file(path);
  bytes[128 + 7999] ^= 1;
  write_file(path, bytes);
  CHECK(larder::inspect(path).state == file_state::sealed);
  try {
    larder::verify(path);
    FAIL("the damage was not found");
  } catch (const larder::format_error& e) {
    CHECK(e.code() == larder::format_code::seg_checksum);
    CHECK(e.path() == path.string());
    CHECK_THAT(e.what(), ContainsSubstring(path.string()) && ContainsSubstring("E_SEG_CHECKSUM"));
  }
}

TEST_CASE("inspect and verify change nothing") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  larder::dump(counted({10}), path);
  const std::string before = read_file(path);
  const auto inode = inode_of(path);
  larder::inspect(path);
  larder::verify(path);
  CHECK(read_file(path) == before);
  CHECK(inode_of(path) == inode);
  CHECK(dir.names() == std::vector<std::string>{"a.npy"});
}

TEST_CASE("reseal mends a file that was written to in place") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  larder::dump(counted({10}), path);
  const auto rw = load<array<double>>(path, {.mmap_mode = mmap_mode::read_write});
  rw(3) = -1;
  REQUIRE(larder::verify(path).state == file_state::dirty);
  larder::reseal(path);
  CHECK(larder::verify(path).state == file_state::sealed);
  const auto expected = counted({10});
  expected(3) = -1;
  CHECK(sole_digest(larder::inspect(path)) == larder::hash(expected));
  larder::dump(expected, dir / "b.npy");
  CHECK(read_file(path) == read_file(dir / "b.npy"));
  CHECK(dir.names() == std::vector<std::string>{"a.npy", "b.npy"});

  // It is a new file: the mapping of the old one is not a way into it.
  rw(4) = -2;
  CHECK(load<array<const double>>(path)(4) == 5);
  CHECK(larder::verify(path).state == file_state::sealed);
}

TEST_CASE("reseal keeps order and metadata") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  write_file(path, with_metadata());
  load<array<double>>(path, {.mmap_mode = mmap_mode::read_write})(0) = 9;
  larder::reseal(path);
  CHECK(larder::verify(path).metadata == k_metadata);
  CHECK(load<array<const double>>(path)(0) == 9);

  larder::dump(counted({3, 4}).transpose(), path);
  load<array<double>>(path, {.mmap_mode = mmap_mode::read_write})(0, 0) = 9;
  larder::reseal(path);
  CHECK(sole_array(larder::verify(path)).fortran_order);
  CHECK(load<array<const double>>(path)(3, 2) == 12);
}

TEST_CASE("reseal does nothing to a sealed file") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  larder::dump(counted({10}), path);
  const std::string before = read_file(path);
  const auto inode = inode_of(path);
  larder::reseal(path);
  CHECK(read_file(path) == before);
  CHECK(inode_of(path) == inode);
}

TEST_CASE("reseal makes a plain file a container") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  larder::dump(counted({2, 5}), path, {.bare_npy = true});
  larder::reseal(path);
  CHECK(larder::verify(path).state == file_state::sealed);
  larder::dump(counted({2, 5}), dir / "b.npy");
  CHECK(read_file(path) == read_file(dir / "b.npy"));
}

TEST_CASE("reseal makes a plain file of another make a container of the same array") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  const std::vector<double> elements{1, 2, 3, 4, 5, 6};
  write_file(path, npy_around(npy_dictionary(">f8", true, {2, 3}), 2) + swapped_bytes_of(elements));
  larder::reseal(path);
  const file_info info = larder::verify(path);
  CHECK(info.state == file_state::sealed);
  CHECK_FALSE(sole_array(info).foreign_byte_order);
  const auto a = load<array<const double>>(path);
  CHECK(a(0, 0) == 1);
  CHECK(a(1, 0) == 2);
  CHECK(a(1, 2) == 6);
  CHECK(read_file(path) ==
        container_bytes::made_of(npy_header("<f8", true, {2, 3}) + bytes_of(elements), 128).file());
}

TEST_CASE("reseal follows a symbolic link") {
  scratch_dir dir;
  larder::dump(counted({10}), dir / "a.npy");
  fs::create_symlink("a.npy", dir / "link");
  load<array<double>>(dir / "link", {.mmap_mode = mmap_mode::read_write})(0) = 2;
  larder::reseal(dir / "link");
  CHECK(fs::is_symlink(dir / "link"));
  CHECK(larder::verify(dir / "a.npy").state == file_state::sealed);
}

TEST_CASE("reseal refuses what is damaged and leaves it") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  larder::dump(counted({10}), path);
  std::string bytes = read_file(path);
  bytes[bytes.size() - 1] ^= 1;
  write_file(path, bytes);
  CHECK_THROWS_AS(larder::reseal(path), larder::format_error);
  CHECK(read_file(path) == bytes);
}
