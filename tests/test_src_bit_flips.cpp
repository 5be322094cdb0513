// Each bit of three files flipped, and each length to which they can be cut: what is loaded is what was dumped, or
// nothing is.

#include <larder/load.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <larder/dump.hpp>
#include <larder/error.hpp>
#include <larder/inspect.hpp>

#include "tests/catch.hpp"
#include "tests/container_bytes.hpp"
#include "tests/file_bytes.hpp"
#include "tests/npy_bytes.hpp"
#include "tests/sanitizers.hpp"
#include "tests/scratch_dir.hpp"

namespace fs = std::filesystem;
using larder::array;
using larder::mmap_mode;

namespace {

// A number without a common divisor with 8, so that the sanitizers' slower runs meet every bit of a byte, too.
#if LARDER_TEST_ADDRESS_SANITIZER || LARDER_TEST_THREAD_SANITIZER
constexpr std::size_t k_stride = 13;
#else
constexpr std::size_t k_stride = 1;
#endif

struct sample {
  array<const double> spectrum;
  std::string name;
  std::vector<std::int16_t> counts;
  std::optional<bool> good;
  std::shared_ptr<std::string> shared;
  LARDER_FIELDS(spectrum, name, counts, good, shared)
};
using samples = std::map<std::string, sample>;

samples some_samples() {
  const auto shared = std::make_shared<std::string>("shared");
  samples made;
  made["first"] = {array<double>::from(std::vector<double>{1, 2, 3}, {3}), "one", {1, -2}, true, shared};
  made["second"] = {array<double>::from(std::vector<double>{4, 5, 6, 7}, {2, 2}), "two", {}, {}, shared};
  return made;
}

std::string content(const array<const double>& a) {
  std::string text(reinterpret_cast<const char*>(a.data()), a.nbytes());
  for (const std::size_t n : a.shape()) text += "," + std::to_string(n);
  return text;
}

std::string content(const samples& all) {
  std::string text;
  for (const auto& [name, each] : all) {
    text += name + ":" + content(each.spectrum) + ";" + each.name + ";";
    for (const std::int16_t n : each.counts) text += std::to_string(n) + ",";
    text += !each.good ? "none" : *each.good ? "good" : "bad";
    text += each.shared ? ";" + *each.shared : std::string(";null");
    text += each.shared == all.begin()->second.shared ? "same\n" : "other\n";
  }
  return text;
}

using loader = std::function<std::string()>;

template <class T>
std::vector<loader> loaders(const fs::path& path, std::vector<std::optional<mmap_mode>> modes) {
  std::vector<loader> all;
  for (const auto mode : modes) {
    all.emplace_back([=] { return content(larder::load<T>(path, {.mmap_mode = mode})); });
  }
  return all;
}

enum class seen { same, refused, wrong };

seen look(const loader& load, const std::string& expected) {
  try {
    return load() == expected ? seen::same : seen::wrong;
  } catch (const larder::format_error& e) {
    const bool says_why = std::string_view(e.what()).find(name(e.code())) != std::string_view::npos;
    return says_why ? seen::refused : seen::wrong;
  }
}

/// The number of times that a flipped bit did no harm.
std::size_t flip_each_bit(const fs::path& path, const std::vector<loader>& all) {
  const std::string original = read_file(path);
  const std::string expected = all.at(0)();
  std::size_t same = 0;
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  REQUIRE(fd >= 0);
  for (std::size_t bit = 0; bit < 8 * original.size(); bit += k_stride) {
    const char flipped = static_cast<char>(original[bit / 8] ^ (1 << (bit % 8)));
    const auto at = static_cast<off_t>(bit / 8);
    bool sound = ::pwrite(fd, &flipped, 1, at) == 1;
    for (const loader& load : all) {
      const seen found = look(load, expected);
      sound = sound && found != seen::wrong;
      same += found == seen::same;
    }
    sound = sound && ::pwrite(fd, &original[bit / 8], 1, at) == 1;
    if (!sound) FAIL_CHECK("bit " << bit % 8 << " of byte " << bit / 8);
  }
  ::close(fd);
  for (const loader& load : all) CHECK(look(load, expected) == seen::same);
  return same;
}

/// The lengths at which a file that is cut there still loads.
std::vector<std::size_t> cut_at_each_length(const fs::path& path, const std::vector<loader>& all) {
  const std::string original = read_file(path);
  const std::string expected = all.at(0)();
  std::vector<std::size_t> whole;
  for (std::size_t size = original.size(); size-- > 0;) {
    fs::resize_file(path, size);
    for (const loader& load : all) {
      const seen found = look(load, expected);
      if (found == seen::wrong) FAIL_CHECK("cut to " << size << " bytes");
      if (found == seen::same && (whole.empty() || whole.back() != size)) whole.push_back(size);
    }
  }
  return whole;
}

}  // namespace

TEST_CASE("a flipped bit or a cut in an array with metadata is refused, or leaves the array as it was") {
  const scratch_dir dir;
  const auto path = dir / "a.npy";
  write_file(path, container_bytes::made_of(
                       npy_header("<f8", false, {2, 3}) + bytes_of(std::vector<double>{1, 2, 3, 4, 5, 6}),
                       128, R"({"function": "f"})")
                       .file());
  auto all =
      loaders<array<const double>>(path, {mmap_mode::none, mmap_mode::read, mmap_mode::copy_on_write, {}});
  all.emplace_back([=] { return content(larder::load<array<double>>(path)); });
  CHECK(flip_each_bit(path, all) == 0);                                        // each is under some check
  CHECK(cut_at_each_length(path, all) == std::vector<std::size_t>{128 + 48});  // a plain .npy
}

TEST_CASE("a flipped bit or a cut in an object is refused, or leaves the object as it was") {
  const scratch_dir dir;
  const auto path = dir / "a.larder";
  larder::dump(some_samples(), path);
  const auto all = loaders<samples>(path, {mmap_mode::none, mmap_mode::read, mmap_mode::copy_on_write, {}});
  CHECK(all.at(0)() == content(some_samples()));
  CHECK(flip_each_bit(path, all) == 0);
  CHECK(cut_at_each_length(path, all).empty());
}

TEST_CASE("a flipped bit or a cut in a compressed file is refused, or leaves its value as it was") {
  const scratch_dir dir;
  const auto path = dir / "a.larder";
  larder::dump(some_samples(), path, {.compress = 3});
  REQUIRE(larder::inspect(path).segments.at(0).compressed);
  const auto all = loaders<samples>(path, {mmap_mode::none, {}});
  CHECK(all.at(0)() == content(some_samples()));
  // zstd has bits that mean nothing.
  CHECK(flip_each_bit(path, all) < 64);
  CHECK(cut_at_each_length(path, all).empty());
}
