// Small sealed files are read once, and again only where anything about them has changed.

#include "src/known_small_files.hpp"

#include <fcntl.h>
#include <sys/mount.h>
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
#include "tests/file_times.hpp"
#include "tests/scratch_dir.hpp"
#include "tests/small_disk.hpp"

namespace fs = std::filesystem;
using larder::array;
using larder::detail::compare;
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

/// Reads the file after a look for it that did not find it, and has it remembered.
std::shared_ptr<const file_structure> read(const std::string& path, known_small_file& look,
                                           object_demand object = object_demand::keep,
                                           bool is_unmarkable = false) {
  const descriptor file = descriptor::open(path, O_RDONLY);
  auto structure = std::make_shared<const file_structure>(
      larder::detail::read_structure(file, larder::detail::trailer_demand::known, object));
  look.remember(file, *structure, is_unmarkable);
  return structure;
}

/// One look, which reads the file where it has to. Whether it did not.
bool is_known(const std::string& path, const ::timespec& now = later(),
              object_demand object = object_demand::keep) {
  known_small_file look(path, now);
  if (look.structure() == nullptr) {
    read(path, look, object);
    return false;
  }
  const file_structure again =
      larder::detail::read_structure(descriptor::open(path, O_RDONLY), larder::detail::trailer_demand::known);
  CHECK(look.structure()->object == again.object);
  CHECK(look.structure()->small == again.small);
  CHECK(look.structure()->metadata == again.metadata);
  return true;
}

/// Looks so often that what has its place, and is not looked for, is displaced.
void get_known(const std::string& path) {
  int looks = 0;
  while (!is_known(path)) REQUIRE(++looks < 1000);
}

template <class T>
std::string sealed_file(const scratch_dir& dir, const T& value, const larder::dump_options& options = {}) {
  fs::create_directory(dir / "home");
  const std::string path = dir / "home" / "sealed";
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
    larder::dump(6, dir / "other");  // as many bytes
    fs::permissions(dir / "other", fs::perms::owner_read);
    fs::rename(dir / "other", path);
    CHECK_FALSE(is_known(path));
    get_known(path);  // as what it is now
  }
  SECTION("when it is gone") {
    fs::remove(path);
    CHECK_FALSE(is_found());
  }
  SECTION("when its directory is gone, or another, or a link to that") {
    const fs::path home = fs::path(path).parent_path();
    fs::rename(home, dir / "aside");  // which does not change the file
    const int what = GENERATE(0, 1, 2);
    if (what != 0) fs::create_directory(home);
    if (what == 1) sealed_file(dir, 7);
    if (what == 2) fs::create_symlink(dir / "aside" / "sealed", path);
    if (what == 1) {
      CHECK_FALSE(is_known(path));
      return;
    }
    CHECK_FALSE(is_found());
    fs::remove_all(home);
    fs::rename(dir / "aside", home);
    CHECK_FALSE(is_found());  // nor kept for that
  }
  SECTION("when a directory lies there") {
    fs::remove(path);
    fs::create_directory(path);
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

TEST_CASE("a file whose places are taken is known when one of the others is no longer looked for") {
  const scratch_dir dir;
  const auto hash_of = [](const std::string& path) {
    return larder::detail::xxh3_64(larder::detail::text_bytes(path));
  };
  constexpr std::size_t k_places = known_small_file::k_places;
  int tried = 0;
  const auto sealed_at = [&](auto is_right) {
    std::string path;
    do path = dir / std::to_string(tried++);
    while (!is_right(hash_of(path)));
    larder::dump(tried, path);
    fs::permissions(path, fs::perms::owner_read);
    return path;
  };
  const std::string late =
      sealed_at([](std::uint64_t hash) { return hash % k_places != (hash >> 32) % k_places; });
  const std::uint64_t places = hash_of(late);
  const std::string low = sealed_at([&](std::uint64_t hash) { return hash % k_places == places % k_places; });
  const std::string high =
      sealed_at([&](std::uint64_t hash) { return hash % k_places == (places >> 32) % k_places; });
  for (int i = 0; i < 1000; ++i)
    known_small_file(late, later());  // whatever is at these places gives them up
  get_known(low);
  get_known(high);
  bool is_taken = true;
  for (int i = 0; i < 1000; ++i) {  // as long as they are looked for, they stay
    const bool low_stays = is_known(low);
    const bool high_stays = is_known(high);
    is_taken = is_taken && low_stays && high_stays && !is_known(late);
  }
  CHECK(is_taken);
  get_known(late);
  CHECK(is_known(late));
  CHECK((!is_known(low) || !is_known(high)));
}

TEST_CASE("of a known file it is known when it was used and opened last") {
  const scratch_dir dir;
  const std::string path = sealed_file(dir, 5);
  get_known(path);
  const ::timespec now = later();
  const bool is_unmarkable = GENERATE(false, true);
  known_small_file once(path, now);
  read(path, once, object_demand::keep, is_unmarkable);
  const known_small_file again(path, later());
  CHECK((compare(again.accessed(), status_of(path).st_atim) == 0));
  CHECK((compare(again.opened(), now) == 0));
  CHECK(again.is_unmarkable() == is_unmarkable);
}

TEST_CASE("files are known where the system answers for them, and may change them") {
  const scratch_dir dir;
  child_process child([&] {
    const fs::path memory = dir / "memory";
    const fs::path foreign = dir / "foreign";
    fs::create_directory(memory);
    fs::create_directory(foreign);
    // A ramfs stands for all that are not named.
    if (!enter_mount_namespace() || !mount_memory(memory, "size=1m") ||
        ::mount("ramfs", foreign.c_str(), "ramfs", 0, nullptr) != 0)
      return k_cannot_mount;
    for (const fs::path& disk : {memory, foreign}) {
      for (const char* name : {"a", "b"}) {
        larder::dump(5, disk / name);
        fs::permissions(disk / name, fs::perms::owner_read);
      }
    }
    const auto ever_known = [](const fs::path& path) {
      for (int i = 0; i < 1000; ++i) {
        if (is_known(path)) return true;
      }
      return false;
    };
    if (ever_known(foreign / "a") || !ever_known(memory / "a")) return 1;
    if (::mount(nullptr, memory.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) != 0)
      return k_cannot_mount;
    return ever_known(memory / "b") || ever_known(foreign / "b") ? 2 : 0;
  });
  check_unless_skipped(child.wait());
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
        const auto structure = look.structure() != nullptr ? look.structure() : read(path, look);
        if (!structure->object.ends_with(text_of(file))) ++wrong;
        if (t == 0 && i % 50 == 0) put(file);  // with the same text: this is of what threads do to each other
      }
    });
  }
  threads.clear();
  CHECK(wrong == 0);
  CHECK(known > 0);
}
