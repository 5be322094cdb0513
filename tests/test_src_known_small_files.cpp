// Small sealed files are read once, and again only where anything about them has changed.

#include "src/known_small_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <larder/array.hpp>
#include <larder/dump.hpp>
#include <larder/fields.hpp>

#include "src/descriptor.hpp"
#include "src/file_structure.hpp"
#include "src/file_times.hpp"
#include "src/xxh3.hpp"
#include "tests/catch.hpp"
#include "tests/child_process.hpp"
#include "tests/file_bytes.hpp"
#include "tests/read_again.hpp"
#include "tests/scratch_dir.hpp"

namespace fs = std::filesystem;
using larder::array;
using larder::detail::descriptor;
using larder::detail::file_structure;
using larder::detail::known_small_file;
using larder::detail::object_demand;

namespace known_files {

struct fit {
  int slope = 0;
  std::vector<double> residuals;
  LARDER_FIELDS(slope, residuals)
};

}  // namespace known_files

namespace {

std::shared_ptr<const file_structure> read(const std::string& path,
                                           object_demand object = object_demand::keep) {
  return std::make_shared<const file_structure>(larder::detail::read_structure(
      descriptor::open(path, O_RDONLY), larder::detail::trailer_demand::known, object));
}

/// One look, which reads the file where it has to. Whether it did not.
bool is_known(const std::string& path, const std::timespec& now = later(),
              object_demand object = object_demand::keep) {
  known_small_file look(path, now);
  if (look.structure() == nullptr) {
    look.remember(descriptor::open(path, O_RDONLY), read(path, object), now);
    return false;
  }
  const auto again = read(path);
  CHECK(look.structure()->object == again->object);
  CHECK(look.structure()->small == again->small);
  CHECK(look.structure()->metadata == again->metadata);
  return true;
}

/// Looks so often that what has its place, and is not looked for, is displaced.
void get_known(const std::string& path) {
  int looks = 0;
  while (!is_known(path)) REQUIRE(++looks < 100);
}

template <class T>
std::string sealed_file(const scratch_dir& dir, const T& value, const larder::dump_options& options = {}) {
  const std::string path = dir / "sealed";
  fs::remove(path);
  larder::dump(value, path, options);
  fs::permissions(path, fs::perms::owner_read);
  return path;
}

array<double> filled(std::size_t n) {
  array<double> a({n});
  a.fill(1.5);
  return a;
}

}  // namespace

TEST_CASE("a small file that is looked for again and again is known") {
  const scratch_dir dir;
  const auto becomes_known = [](const std::string& path) {
    CHECK_FALSE(is_known(path));
    get_known(path);
    CHECK(is_known(path));
    child_process child([&] { return is_known(path) ? 0 : 1; });
    CHECK(child.wait() == 0);
  };
  SECTION("of a number") { becomes_known(sealed_file(dir, 5)); }
  SECTION("of an array") { becomes_known(sealed_file(dir, filled(50))); }
  SECTION("of an object with an array") { becomes_known(sealed_file(dir, known_files::fit{5, {1, 2, 3}})); }
  SECTION("of a compressed text") {
    becomes_known(sealed_file(dir, std::string(3000, 'x'), {.compress = 3}));
  }
}

TEST_CASE("what is not known to be small, sealed and whole is read each time") {
  const scratch_dir dir;
  const auto stays_unknown = [](const std::string& path, object_demand object = object_demand::keep) {
    for (int i = 0; i < 100; ++i) CHECK_FALSE(is_known(path, later(), object));
  };
  SECTION("an array above 4 KiB") { stays_unknown(sealed_file(dir, filled(512))); }
  SECTION("a long text") { stays_unknown(sealed_file(dir, std::string(5000, 'x'))); }
  SECTION("a text that is long when it is decompressed") {
    const std::string path = sealed_file(dir, std::string(5000, 'x'), {.compress = 3});
    REQUIRE(fs::file_size(path) < 4096);
    stays_unknown(path);
  }
  SECTION("a compressed array") {
    const std::string path = sealed_file(dir, filled(512), {.compress = 3});
    REQUIRE(fs::file_size(path) < 4096);
    stays_unknown(path);
  }
  SECTION("a file that may be written to") {
    const std::string path = sealed_file(dir, 5);
    fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
    stays_unknown(path);
  }
  SECTION("an object that was not read") { stays_unknown(sealed_file(dir, 5), object_demand::skip); }
  SECTION("an object that was compared only") { stays_unknown(sealed_file(dir, 5), object_demand::check); }
}

TEST_CASE("a file that was changed less than two seconds ago is read each time") {
  const scratch_dir dir;
  const std::string path = sealed_file(dir, 5);
  ::timespec now = status_of(path).st_ctim;
  now.tv_sec += 1;
  for (int i = 0; i < 100; ++i) CHECK_FALSE(is_known(path, now));
  now.tv_sec += 2;
  CHECK_FALSE(is_known(path, now));
  CHECK(is_known(path, now));
}

TEST_CASE("a known file is read again") {
  const scratch_dir dir;
  const std::string path = sealed_file(dir, 5);
  get_known(path);
  const auto permit = [&](fs::perms perms) { fs::permissions(path, perms); };
  const auto is_found = [&] { return known_small_file(path, later()).structure() != nullptr; };
  SECTION("when it was written to, even if its time of writing is set back") {
    const auto time = fs::last_write_time(path);
    permit(fs::perms::owner_all);
    std::string bytes = read_file(path);
    bytes[100] = static_cast<char>(bytes[100] ^ 1);
    change(path, bytes);
    permit(fs::perms::owner_read);
    fs::last_write_time(path, time);
    CHECK_FALSE(is_found());
  }
  SECTION("when another took its name") {
    larder::dump(6, dir / "other");
    fs::permissions(dir / "other", fs::perms::owner_read);
    fs::rename(dir / "other", path);
    CHECK_FALSE(is_known(path));
    get_known(path);
    CHECK(known_small_file(path, later()).structure()->object == read(path)->object);
  }
  SECTION("when it is gone") {
    fs::remove(path);
    CHECK_FALSE(is_found());
  }
  SECTION("when its directory is gone, or another") {
    fs::rename(dir.path(), dir.path().string() + ".aside");
    CHECK_FALSE(is_found());
    fs::rename(dir.path().string() + ".aside", dir.path());
    CHECK_FALSE(is_found());  // nor kept for that
  }
  SECTION("when a directory or a link lies there") {
    fs::rename(path, dir / "aside");
    const bool is_link = GENERATE(false, true);
    if (is_link) {
      fs::create_symlink("aside", path);
    } else {
      fs::create_directory(path);
    }
    CHECK_FALSE(is_found());
  }
  SECTION("when its permissions changed") {
    const ::timespec before = status_of(path).st_ctim;
    do {
      permit(fs::perms::owner_read | fs::perms::group_read);
    } while (status_of(path).st_ctim.tv_nsec == before.tv_nsec);
    CHECK_FALSE(is_found());
  }
}

TEST_CASE("of two files that share a place, the one that is looked for is known") {
  const scratch_dir dir;
  const auto place_of = [](const std::string& path) {
    return larder::detail::xxh3_64(larder::detail::text_bytes(path)) % 1024;  // as many as there are
  };
  const std::string one = dir / "one";
  std::string other;
  for (int i = 0; other.empty() || place_of(other) != place_of(one); ++i) other = dir / std::to_string(i);
  larder::dump(1, one);
  larder::dump(2, other);
  for (const std::string& path : {one, other}) fs::permissions(path, fs::perms::owner_read);
  get_known(one);
  for (int i = 0; i < 1000; ++i) {  // as long as the one is looked for, too, it stays
    CHECK_FALSE(is_known(other));
    CHECK(is_known(one));
  }
  get_known(other);  // and else gives way
  CHECK_FALSE(is_known(one));
  CHECK(is_known(other));
}

TEST_CASE("a known file was used when the system or who remembered it says, whichever is later") {
  const scratch_dir dir;
  const std::string path = sealed_file(dir, 5);
  const auto used = [&] { return known_small_file(path, later()).used(); };
  const auto remember = [&](const ::timespec& time) {
    known_small_file(path, later()).remember(descriptor::open(path, O_RDONLY), read(path), time);
  };
  get_known(path);
  remember({.tv_sec = 1, .tv_nsec = 2});
  CHECK((larder::detail::order(used(), status_of(path).st_atim) == 0));
  const ::timespec time = later();
  remember(time);
  CHECK((larder::detail::order(used(), time) == 0));
}

TEST_CASE("many threads look for the same and for other small files") {
  const scratch_dir dir;
  constexpr int k_files = 3;
  const auto path_of = [&](int i) { return (dir / std::to_string(i)).string(); };
  const auto text_of = [](int i) { return std::string(100, static_cast<char>('a' + i)); };
  const auto put = [&](int i) {
    larder::dump(text_of(i), dir / "new");
    fs::permissions(dir / "new", fs::perms::owner_read);
    fs::rename(dir / "new", path_of(i));
  };
  for (int i = 0; i < k_files; ++i) put(i);
  std::atomic<int> wrong = 0;
  std::atomic<int> known = 0;
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 2000; ++i) {
        const int file = (i / 5 + t) % k_files;
        const std::string path = path_of(file);
        known_small_file look(path, later());
        if (look.structure() != nullptr) ++known;
        const auto structure = look.structure() != nullptr ? look.structure() : read(path);
        if (!structure->object.ends_with(text_of(file))) ++wrong;
        look.remember(descriptor::open(path, O_RDONLY), structure, later());
        if (t == 0 && i % 50 == 0) put(file);
      }
    });
  }
  threads.clear();
  CHECK(wrong == 0);
  CHECK(known > 0);
}
