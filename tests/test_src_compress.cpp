// Compressed files: what comes back, and what they allow.

#include <larder/dump.hpp>
#include <larder/inspect.hpp>
#include <larder/load.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <larder/array.hpp>
#include <larder/error.hpp>
#include <larder/hash.hpp>
#include <larder/memory.hpp>

#include "tests/catch.hpp"
#include "tests/counted.hpp"
#include "tests/file_bytes.hpp"
#include "tests/scratch_dir.hpp"
#include "tests/sole_array.hpp"

namespace fs = std::filesystem;
using Catch::Matchers::ContainsSubstring;
using larder::array;
using larder::dump;
using larder::file_state;
using larder::load;
using larder::mmap_mode;

namespace {

constexpr std::size_t k_frame_elements = (std::size_t{4} << 20) / sizeof(double);

array<double> noise(std::size_t n) {
  const auto a = array<double>::uninitialized({n});
  std::mt19937_64 random(n);
  for (double& x : a.flat()) {
    const std::uint64_t bits = random();
    std::memcpy(&x, &bits, sizeof x);
  }
  return a;
}

array<double> smooth(std::size_t n) {
  const array<double> a({n});
  for (std::size_t i = 0; i < n; ++i) a(i) = std::floor(100 * std::sin(static_cast<double>(i) / 1000));
  return a;
}

template <class T, class U>
void check_same(const array<T>& found, const array<U>& expected) {
  REQUIRE(std::vector<std::size_t>(found.shape().begin(), found.shape().end()) ==
          std::vector<std::size_t>(expected.shape().begin(), expected.shape().end()));
  CHECK(found.is_contiguous() == expected.is_contiguous());
  CHECK((found.size() == 0 || std::memcmp(found.copy().data(), expected.copy().data(), found.nbytes()) == 0));
}

/// Everything that holds of a compressed array.
void check_compressed(const array<double>& a, int level) {
  CAPTURE(a.size(), level);
  scratch_dir dir;
  const auto path = dir / "a.larder";
  dump(a, path, {.compress = level});
  const auto info = larder::verify(path);
  CHECK(info.type == "array<f64>");
  CHECK(info.state == file_state::sealed);
  REQUIRE(info.segments.size() == 1);
  CHECK(info.segments[0].compressed);
  CHECK(info.segments[0].digest == larder::hash(a));
  CHECK(sole_array(info).data_bytes == a.nbytes());
  CHECK(sole_array(info).data_offset == 0);
  dump(a, dir / "plain.npy");
  CHECK(sole_digest(larder::inspect(dir / "plain.npy")) == info.segments[0].digest);

  const auto ro = load<array<const double>>(path);
  CHECK_FALSE(ro.is_mapped());
  const auto as_stored = a.is_contiguous() || a.transpose().is_contiguous() ? a : a.copy();
  check_same(ro, as_stored);
  CHECK(larder::hash(ro) == larder::hash(a));
  const auto rw = load<array<double>>(path, {.mmap_mode = mmap_mode::none});
  check_same(rw, as_stored);
  if (rw.size() != 0) rw.fill(0);
  check_same(load<array<double>>(path), as_stored);
  if (a.ndim() == 1) {
    const auto v = load<std::vector<double>>(path);
    CHECK((v.size() == a.size() && (v.empty() || std::memcmp(v.data(), a.copy().data(), a.nbytes()) == 0)));
  }
  dump(a, dir / "again", {.compress = level});
  CHECK(read_file(path) == read_file(dir / "again"));
}

}  // namespace

TEST_CASE("compressed arrays of every size come back at every level") {
  for (const int level : {1, 3, 19}) {
    check_compressed(array<double>(), level);
    check_compressed(counted(larder::extents()), level);
    check_compressed(counted({7}), level);
    check_compressed(counted({2, 0, 3}), level);
    check_compressed(noise(5000), level);
  }
  for (const int level : {1, 3}) {
    for (const std::size_t n : {k_frame_elements - 16, k_frame_elements - 15, k_frame_elements - 1,
                                k_frame_elements, k_frame_elements + 1, 2 * k_frame_elements}) {
      check_compressed(smooth(n), level);
    }
  }
  check_compressed(smooth(k_frame_elements + 1), 19);
}

TEST_CASE("large compressed arrays come back") {
  check_compressed(smooth(3800000), 1);  // 30 MB
  check_compressed(noise(k_frame_elements * 2 + 77), 3);
  check_compressed(array<double>({4, 1000000}), 3);  // zeros: the most that can be saved
}

TEST_CASE("compressed arrays keep Fortran order and views become row-major") {
  check_compressed(smooth(20000).reshape({100, 200}).transpose(), 3);
  check_compressed(smooth(1200000).reshape({1000, 1200}).transpose(), 1);
  check_compressed(smooth(1200000).reshape({1000, 1200}).slice(1, 3, 1100, 2), 1);
}

TEST_CASE("what is compressed is smaller and what cannot be is hardly larger") {
  scratch_dir dir;
  const auto s = smooth(1000000);
  dump(s, dir / "s", {.compress = 3});
  CHECK(fs::file_size(dir / "s") < s.nbytes() / 4);
  const auto n = noise(1000000);
  dump(n, dir / "n", {.compress = 3});
  CHECK(fs::file_size(dir / "n") < n.nbytes() + 10000);
}

TEST_CASE("mapping what is compressed is refused with how to load it") {
  scratch_dir dir;
  const auto path = dir / "a";
  dump(counted({1000}), path, {.compress = 3});
  const std::string before = read_file(path);
  const auto check_refused = [&](const auto& loads) {
    CHECK_THROWS_WITH(loads(), ContainsSubstring("compressed") && ContainsSubstring("mmap_mode::none") &&
                                   ContainsSubstring(path.string()));
  };
  check_refused([&] { load<array<const double>>(path, {.mmap_mode = mmap_mode::read}); });
  check_refused([&] { load<array<double>>(path, {.mmap_mode = mmap_mode::copy_on_write}); });
  check_refused([&] { load<array<double>>(path, {.mmap_mode = mmap_mode::read_write}); });
  CHECK_THROWS_AS(load<array<const double>>(path, {.mmap_mode = mmap_mode::read}), larder::value_error);

  using named = std::map<int, array<const double>>;
  dump(named{{1, counted({1000})}}, dir / "m", {.compress = 3});
  CHECK_THROWS_AS(load<named>(dir / "m", {.mmap_mode = mmap_mode::read}), larder::value_error);
  CHECK_FALSE(load<named>(dir / "m").at(1).is_mapped());
  CHECK(read_file(path) == before);
}

TEST_CASE("compressed objects come back in frames of 4 MiB") {
  scratch_dir dir;
  using record = std::map<std::string, std::variant<std::string, array<double>, std::vector<double>>>;
  std::string text;
  while (text.size() < 10000000) text += std::to_string(text.size()) + ' ';
  record r{
      {"text", text}, {"array", smooth(700000)}, {"vector", std::vector<double>(10000, 1.5)}, {"none", ""}};
  for (const int level : {1, 3}) {
    dump(r, dir / "r", {.compress = level});
    const auto info = larder::verify(dir / "r");
    REQUIRE(info.segments.size() == 3);
    for (const auto& segment : info.segments) {
      CHECK(segment.compressed);
      CHECK(segment.stored_bytes < segment.raw_bytes);
    }
    CHECK(info.segments[2].raw_bytes > 10000000);
    const auto back = load<record>(dir / "r");
    CHECK(std::get<0>(back.at("text")) == text);
    check_same(std::get<1>(back.at("array")), smooth(700000));
    CHECK(std::get<2>(back.at("vector")) == std::vector<double>(10000, 1.5));
    CHECK(larder::hash(back) == larder::hash(r));
  }
  dump(r, dir / "plain");
  CHECK(larder::inspect(dir / "plain").segments[0].digest == larder::inspect(dir / "r").segments[0].digest);
}

TEST_CASE("handles on one view share a compressed segment and memory again") {
  scratch_dir dir;
  const auto a = counted({1000});
  dump(std::vector<array<double>>{a, a}, dir / "v", {.compress = 1});
  CHECK(larder::inspect(dir / "v").segments.size() == 2);
  const auto back = load<std::vector<array<double>>>(dir / "v");
  CHECK(back[0].data() == back[1].data());
}

TEST_CASE("damage in compressed data is found by whoever reads them") {
  scratch_dir dir;
  const auto path = dir / "a";
  dump(noise(700000), path, {.compress = 1});
  const std::string sound = read_file(path);
  const auto segment = larder::inspect(path).segments.at(0);
  for (std::uint64_t at = segment.offset + 200; at < segment.offset + segment.stored_bytes;
       at += segment.stored_bytes / 7) {
    CAPTURE(at);
    std::string bytes = sound;
    bytes[at] ^= 16;
    write_file(path, bytes);
    CHECK_THROWS_AS(larder::verify(path), larder::format_error);
    CHECK_THROWS_AS(load<array<const double>>(path), larder::format_error);
    CHECK_THROWS_AS(load<std::vector<double>>(path, {.verification = larder::verification::structure}),
                    larder::format_error);
    CHECK_THROWS_AS(larder::convert(path, dir / "b"), larder::format_error);
  }
  CHECK(dir.names() == std::vector<std::string>{"a"});
}

TEST_CASE("several threads verify and load compressed files at once") {
  scratch_dir dir;
  const auto a = smooth(k_frame_elements + 5000);
  dump(a, dir / "a", {.compress = 1});
  std::vector<int> sound(4);
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < sound.size(); ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < 3; ++i) {
          larder::verify(dir / "a");
          const auto back = load<array<const double>>(dir / "a");
          sound[t] += std::memcmp(back.data(), a.data(), a.nbytes()) == 0;
          const auto own = dir / ("own" + std::to_string(t));
          dump(a, own, {.compress = 1});
          sound[t] += read_file(own) == read_file(dir / "a");
        }
      });
    }
  }
  CHECK(sound == std::vector<int>{6, 6, 6, 6});
}

TEST_CASE("max_bytes holds for what is decompressed") {
  scratch_dir dir;
  dump(array<double>({4 << 20}), dir / "a", {.compress = 1});  // 32 MiB of zeros
  REQUIRE(fs::file_size(dir / "a") < 100000);
  CHECK_THROWS_WITH(load<array<const double>>(dir / "a", {.max_bytes = 32 << 20 >> 1}),
                    ContainsSubstring("E_BOMB"));
  CHECK(load<array<const double>>(dir / "a", {.max_bytes = 32 << 20}).size() == 4 << 20);
  CHECK_THROWS_WITH(load<std::vector<double>>(dir / "a", {.max_bytes = (32 << 20) - 1}),
                    ContainsSubstring("E_BOMB"));
}
