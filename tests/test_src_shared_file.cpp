// Where arrays lie that other processes map, and how they come there.

#include "src/shared_file.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include <larder/array.hpp>
#include <larder/dump.hpp>
#include <larder/load.hpp>

#include "tests/catch.hpp"
#include "tests/child_process.hpp"
#include "tests/scratch_dir.hpp"

using namespace larder::detail;
using larder::array;

namespace {

constexpr std::size_t k_count = 20'000;  // 80 kB: whole pages of its own, from operator new

array<int> filled(int value, std::size_t count = k_count) {
  array<int> a({count});
  a.fill(value);
  return a;
}

bool is_all(const array<const int>& a, int value) {
  return std::ranges::all_of(a.flat(), [value](int x) { return x == value; });
}

std::optional<placed_array> place(const auto& a) { return larder::detail::place(array_access::raw(a), {}); }

/// What somebody finds there who has nothing but the descriptor.
int first_in_file(const placed_array& at) {
  int found = -1;
  CHECK(::pread(at.file->fd(), &found, sizeof found, static_cast<off_t>(at.buffer_offset + at.offset)) ==
        sizeof found);
  return found;
}

}  // namespace

TEST_CASE(
    "shared file: an array keeps its addresses and its elements when it is moved, and what is written to it "
    "is there for all") {
  for (const std::size_t count : {k_count, std::size_t{2'000'000}}) {
    const auto a = filled(3, count);
    const int* const before = a.data();
    const auto at = place(a.slice(0, 5, count));
    REQUIRE(at);
    CHECK(a.data() == before);
    CHECK(is_all(a, 3));
    CHECK(at->offset == 5 * sizeof(int));
    CHECK(at->buffer_bytes == count * sizeof(int));
    CHECK(at->sharing == sharing::as_asked);
    CHECK(first_in_file(*at) == 3);
    a(5) = 8;
    CHECK(first_in_file(*at) == 8);
    const auto again = place(a);
    REQUIRE(again);
    CHECK(again->file == at->file);
    CHECK(again->offset == 0);
    CHECK((::fcntl(at->file->fd(), F_GETFD) & FD_CLOEXEC) != 0);
  }
}

TEST_CASE(
    "shared file: what is small or belongs to others stays where it is, and so does what must not move") {
  std::vector<int> mine(k_count, 1);
  CHECK_FALSE(place(array<int>::borrow(mine, {k_count})));
  CHECK_FALSE(place(array<int>::adopt(std::vector<int>(k_count), {k_count})));
  CHECK_FALSE(place(array<int>({100})));
  CHECK_FALSE(place(array<int>()));
  const auto a = filled(1);
  CHECK_FALSE(larder::detail::place(array_access::raw(a), {}, moving::none));
  CHECK(place(a));
  CHECK(larder::detail::place(array_access::raw(a), {}, moving::none));
}

TEST_CASE("shared file: ids are never given again") {
  std::set<std::uint64_t> ids;
  for (int i = 0; i < 300; ++i) CHECK(ids.insert(place(array<int>::shared({10}))->file->id()).second);
}

TEST_CASE("shared file: many arrays share files, without touching each other") {
  std::vector<array<int>> all;
  std::set<std::uint64_t> files;
  for (int i = 0; i < 1000; ++i) {
    all.push_back(filled(i));
    files.insert(place(all.back())->file->id());
  }
  CHECK(files.size() < 160);
  for (std::size_t i = 0; i < all.size(); i += 2) all[i].fill(-1);
  for (std::size_t i = 1; i < all.size(); i += 2) REQUIRE(is_all(all[i], static_cast<int>(i)));
  for (std::size_t i = 0; i < all.size(); i += 3) all[i] = {};
  for (int i = 0; i < 100; ++i) {
    const auto next = filled(-2);
    place(next);
    next.fill(-3);
  }
  for (std::size_t i = 1; i < all.size(); i += 2) {
    if (i % 3 != 0) REQUIRE(is_all(all[i], static_cast<int>(i)));
  }
}

TEST_CASE("shared file: a child of fork moves its arrays to files of its own") {
  std::vector<array<int>> all;
  for (int i = 0; i < 200; ++i) {
    all.push_back(filled(i));
    place(all.back());
  }
  CHECK(place(all.back())->file->is_own());
  const process_signal parent_has_moved;
  const process_signal child_has_moved;
  const auto move_more = [&](int value) {
    std::vector<array<int>> more;
    for (int i = 0; i < 20; ++i) {
      more.push_back(filled(value));
      place(more.back());
    }
    return more;
  };
  child_process child([&] {
    if (place(all.back())->file->is_own()) return 1;
    const auto more = move_more(-1);
    if (!place(more.back())->file->is_own()) return 2;
    child_has_moved.post();
    parent_has_moved.wait();
    return std::ranges::all_of(more, [](const auto& a) { return is_all(a, -1); }) ? 0 : 3;
  });
  child_has_moved.wait();
  const auto more = move_more(-2);
  parent_has_moved.post();
  CHECK(child.wait() == 0);
  for (const auto& a : more) CHECK(is_all(a, -2));
  for (std::size_t i = 0; i != all.size(); ++i) CHECK(is_all(all[i], static_cast<int>(i)));
}

TEST_CASE("shared file: of a mapped file, by its path, as long as that is the same file") {
  const scratch_dir dir;
  larder::dump(filled(4), dir / "a");
  const auto a = larder::load<array<const int>>(dir / "a");
  const auto at = place(a);
  REQUIRE(at);
  CHECK(at->sharing == sharing::read_only);
  CHECK(at->file->is_there());
  CHECK(first_in_file(*at) == 4);
  CHECK_FALSE(at->file->path().empty());

  const auto b = larder::load<array<const int>>(dir / "a");
  std::filesystem::rename(dir / "a", dir / "b");
  CHECK_FALSE(place(b));
  larder::dump(filled(5), dir / "a");
  CHECK_FALSE(place(b));
  std::filesystem::rename(dir / "b", dir / "a");
  REQUIRE(place(b));
  CHECK(first_in_file(*place(b)) == 4);
}
