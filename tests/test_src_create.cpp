// Files that are filled in place: what is at the path before, during and after.

#include <larder/create.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <numeric>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <larder/dump.hpp>
#include <larder/error.hpp>
#include <larder/hash.hpp>
#include <larder/inspect.hpp>
#include <larder/load.hpp>

#include "tests/catch.hpp"
#include "tests/file_bytes.hpp"
#include "tests/refused.hpp"
#include "tests/scratch_dir.hpp"
#include "tests/sole_array.hpp"

namespace fs = std::filesystem;
using larder::array;
using larder::create;
using larder::extents;

TEST_CASE("a created array is zeroed, row-major and mapped for writing") {
  scratch_dir dir;
  auto out = create<double>(dir / "a.npy", {3, 4});
  const auto a = out.array();
  CHECK(a.shape(0) == 3);
  CHECK(a.shape(1) == 4);
  CHECK(a.is_contiguous());
  CHECK(a.is_mapped());
  for (const double x : a.flat()) CHECK(x == 0.0);
  a(2, 3) = 5;
  CHECK(out.array()(2, 3) == 5);
}

TEST_CASE("before it is sealed there is nothing at the path") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  auto out = create<double>(path, {3});
  out.array().fill(1);
  CHECK_FALSE(fs::exists(fs::symlink_status(path)));
  std::move(out).seal();
  CHECK(dir.names() == std::vector<std::string>{"a.npy"});
}

TEST_CASE("a file that is dropped unsealed leaves nothing and its array stays valid") {
  scratch_dir dir;
  std::optional<array<double>> kept;
  {
    const auto out = create<double>(dir / "a.npy", {3});
    kept = out.array();
    (*kept)(1) = 5;
  }
  CHECK(dir.names().empty());
  CHECK((*kept)(1) == 5);
  (*kept)(2) = 6;
}

TEST_CASE("a dropped file leaves what was at the path") {
  scratch_dir dir;
  write_file(dir / "a.npy", "old");
  { const auto out = create<double>(dir / "a.npy", {3}); }
  CHECK(read_file(dir / "a.npy") == "old");
  CHECK(dir.names() == std::vector<std::string>{"a.npy"});
}

TEST_CASE("an exception on the way to seal leaves nothing") {
  scratch_dir dir;
  try {
    const auto out = create<double>(dir / "a.npy", {3});
    throw 1;
  } catch (int) {
  }
  CHECK(dir.names().empty());
}

TEST_CASE("a sealed file is whole and has its digest") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  const array<double> expected({50, 4});
  std::iota(expected.flat().begin(), expected.flat().end(), 0.5);
  auto out = create<double>(path, {50, 4});
  out.array().assign(expected);
  const array<const double> sealed = std::move(out).seal();
  CHECK(sealed.is_mapped());
  CHECK(sealed.origin()->mode == larder::mmap_mode::read);
  CHECK(sealed.origin()->path == path.string());
  CHECK(larder::hash(sealed) == larder::hash(expected));
  const auto info = larder::verify(path);
  CHECK(info.state == larder::file_state::sealed);
  CHECK(sole_digest(info) == larder::hash(expected));
  CHECK(sole_array(info).shape == std::vector<std::size_t>{50, 4});
  const auto loaded = larder::load<array<const double>>(path, {.mmap_mode = larder::mmap_mode::none});
  CHECK(std::equal(loaded.flat().begin(), loaded.flat().end(), expected.flat().begin()));
}

TEST_CASE("handles from before seal stay valid and see the same elements") {
  scratch_dir dir;
  auto out = create<std::int32_t>(dir / "a.npy", {4});
  const auto a = out.array();
  a(3) = 7;
  const auto sealed = std::move(out).seal();
  CHECK(a(3) == 7);
  CHECK(sealed(3) == 7);
}

TEST_CASE("a sealed writer has no array and cannot be sealed again") {
  scratch_dir dir;
  auto out = create<double>(dir / "a.npy", {3});
  std::move(out).seal();
  CHECK_THROWS_AS(out.array(), larder::value_error);            // NOLINT(bugprone-use-after-move)
  CHECK_THROWS_AS(std::move(out).seal(), larder::value_error);  // NOLINT(bugprone-use-after-move)
}

TEST_CASE("writes after seal are found by verify") {
  scratch_dir dir;
  auto out = create<double>(dir / "a.npy", {3});
  const auto a = out.array();
  std::move(out).seal();
  a(1) = 1;
  CHECK_THROWS_AS(larder::verify(dir / "a.npy"), larder::format_error);
}

TEST_CASE("seal replaces a file and leaves mappings of the old one as they were") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  larder::dump(std::vector<double>{1, 2, 3}, path);
  const auto old = larder::load<array<const double>>(path);
  auto out = create<double>(path, {2});
  CHECK(larder::load<array<const double>>(path).size() == 3);
  std::move(out).seal();
  CHECK(old(2) == 3);
  CHECK(larder::load<array<const double>>(path).size() == 2);
  CHECK(dir.names() == std::vector<std::string>{"a.npy"});
}

TEST_CASE("of two writers of one path the last to seal wins") {
  scratch_dir dir;
  auto first = create<double>(dir / "a.npy", {1});
  auto second = create<double>(dir / "a.npy", {2});
  std::move(second).seal();
  std::move(first).seal();
  CHECK(larder::load<array<const double>>(dir / "a.npy").size() == 1);
  CHECK(dir.names() == std::vector<std::string>{"a.npy"});
}

TEST_CASE("a writer can be moved") {
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<larder::array_writer<double>>);
  scratch_dir dir;
  auto out = create<double>(dir / "a.npy", {3});
  out.array()(0) = 4;
  auto moved = std::move(out);
  auto other = create<double>(dir / "b.npy", {1});
  other = std::move(moved);  // drops b
  const auto sealed = std::move(other).seal();
  CHECK(sealed(0) == 4);
  CHECK(dir.names() == std::vector<std::string>{"a.npy"});
}

TEMPLATE_TEST_CASE("arrays of any type and shape are created", "", std::int8_t, std::uint16_t, float,
                   std::int64_t) {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  for (const extents& shape : {extents(), extents(0), extents(3, 0), extents(7), extents(2, 3, 4),
                               extents(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2)}) {
    auto out = create<TestType>(path, shape);
    out.array().fill(TestType{3});
    std::move(out).seal();
    const auto a = larder::load<array<const TestType>>(path);
    CHECK(a.size() == shape.count());
    for (const TestType x : a.flat()) CHECK(x == TestType{3});
    CHECK(larder::verify(path).state == larder::file_state::sealed);
  }
}

TEST_CASE("a created file holds what dump writes for the same array") {
  scratch_dir dir;
  auto out = create<float>(dir / "a.npy", {5, 3});
  out.array().fill(2.5F);
  std::move(out).seal();
  const array<float> same({5, 3});
  same.fill(2.5F);
  larder::dump(same, dir / "b.npy");
  CHECK(read_file(dir / "a.npy") == read_file(dir / "b.npy"));
}

TEST_CASE("a large file is created and sealed durably") {
  scratch_dir dir;
  auto out = create<double>(dir / "a.npy", {1100, 1000}, {.durable = true});
  std::iota(out.array().flat().begin(), out.array().flat().end(), 0.0);
  std::move(out).seal();
  CHECK(larder::verify(dir / "a.npy").state == larder::file_state::sealed);
  CHECK(larder::load<array<const double>>(dir / "a.npy")(1099, 999) == 1099999.0);
}

TEST_CASE("create has the permissions of any new file") {
  scratch_dir dir;
  const mode_t before = ::umask(027);
  auto out = create<double>(dir / "a.npy", {3});
  std::move(out).seal();
  ::umask(before);
  struct stat status {};
  REQUIRE(::stat((dir / "a.npy").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0640);
}

TEST_CASE("create refuses at once what dump refuses") {
  scratch_dir dir;
  const auto create_at = [](const fs::path& path) {
    return refused(path, [&] { create<double>(path, {3}); });
  };
  CHECK(create_at(dir / "no" / "a.npy") == ENOENT);
  CHECK(create_at(dir.path()) == EISDIR);
  const auto pipe = dir / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(create_at(pipe) != 0);
  CHECK(fs::is_fifo(pipe));
  CHECK_THROWS_AS(create<double>(dir / "a.npy", {std::uint64_t{1} << 61}), larder::value_error);
  CHECK(dir.names() == std::vector<std::string>{"pipe"});
}

TEST_CASE("create follows a symbolic link") {
  scratch_dir dir;
  fs::create_directory(dir / "real");
  fs::create_symlink("real/a.npy", dir / "link");
  auto out = create<double>(dir / "link", {3});
  std::move(out).seal();
  CHECK(fs::is_symlink(dir / "link"));
  CHECK(fs::is_regular_file(dir / "real" / "a.npy"));
}

TEST_CASE("a directory that is gone before seal is an io_error and nothing is published") {
  scratch_dir dir;
  fs::create_directory(dir / "sub");
  const auto path = dir / "sub" / "a.npy";
  auto out = create<double>(path, {3});
  fs::remove_all(dir / "sub");
  CHECK(refused(path, [&] { std::move(out).seal(); }) != 0);
  CHECK(dir.names().empty());
}
