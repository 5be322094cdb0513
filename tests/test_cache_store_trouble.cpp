// Stores that were damaged by hand, or laid out for a trap: an error that names the file, never a crash; and another put mends it.

#include <larder/store.hpp>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <larder/dump.hpp>
#include <larder/error.hpp>

#include "tests/catch.hpp"
#include "tests/child_process.hpp"
#include "tests/file_bytes.hpp"
#include "tests/scratch_dir.hpp"
#include "tests/small_disk.hpp"

namespace fs = std::filesystem;
using Catch::Matchers::ContainsSubstring;
using larder::array;
using larder::store;

namespace {

using dictionary = std::map<std::string, array<const double>>;

array<double> small_array() {
  array<double> a({5});
  for (std::size_t i = 0; i < 5; ++i) a(i) = 1.5 * static_cast<double>(i);
  return a;
}
dictionary small_dictionary() { return {{"first", small_array()}, {"second", small_array()}}; }

bool is_right(const array<const double>& a) {
  return a.size() == 5 && a(0) == 0 && a(1) == 1.5 && a(2) == 3 && a(3) == 4.5 && a(4) == 6;
}
bool is_right(const dictionary& d) {
  return d.size() == 2 && d.contains("first") && is_right(d.at("first")) && d.contains("second") &&
         is_right(d.at("second"));
}

/// The file of an object, which nobody may write to, with another content.
void replace_file(const fs::path& path, const std::string& content) {
  fs::remove(path);
  write_file(path, content);
  fs::permissions(path, fs::perms(0444));
}

enum class seen { right, absent, refused };

/// Whatever is thrown is larder's, and names the file.
template <class T>
seen look(const store& st, const fs::path& path) {
  const auto named = [&path](const std::string& text) {
    CHECK_THAT(text, ContainsSubstring(path.string()));
    return seen::refused;
  };
  try {
    const auto found = st.find<T>("x");
    if (!found) return seen::absent;
    CHECK(is_right(*found));
    return seen::right;
  } catch (const larder::error& e) {
    return named(e.what());
  }
}

/// Nothing of what a store tells of its objects ends the program, or names another file.
void look_from_outside(const store& st, const fs::path& path) {
  try {
    st.info("x");
  } catch (const larder::error& e) {
    CHECK_THAT(e.what(), ContainsSubstring(path.string()));
  }
  st.contains("x");
  CHECK(st.names().size() <= 2);
  CHECK(st.used() < 10'000);
}

template <class T>
void check_damage(const T& value, const std::function<std::string(const std::string&, std::size_t)>& damage,
                  std::size_t step) {
  const scratch_dir dir;
  const store st = store::at(dir / "store");
  st.put("other", 1);
  st.put("x", value);
  const fs::path path = st.info("x").path;
  const std::string whole = read_file(path);
  for (std::size_t at = 0; at < whole.size(); at += step) {
    INFO("at " << at << " of " << whole.size());
    replace_file(path, damage(whole, at));
    CHECK(look<T>(st, path) == seen::refused);
    if (at % 16 == 0) look_from_outside(st, path);
  }
  st.put("x", value);
  CHECK(look<T>(st, path) == seen::right);
  CHECK(st.get<int>("other") == 1);
}

std::string flipped(std::string text, std::size_t at) {
  text[at] = static_cast<char>(text[at] ^ (1 << (at % 8)));
  return text;
}
std::string shortened(const std::string& text, std::size_t at) { return text.substr(0, at); }

/// A store with an object x that something lies in the place of, and what `look` makes of it.
struct replaced_object {
  scratch_dir dir;
  store st = store::at(dir / "store", {.capacity = "100K"});
  fs::path path;

  explicit replaced_object(const std::function<void(const fs::path& path)>& place) {
    st.put("other", 1);
    st.put("x", small_array());
    path = st.info("x").path;
    fs::remove(path);
    place(path);
  }

  void check_refused() const {
    CHECK(look<array<const double>>(st, path) == seen::refused);
    CHECK(look<dictionary>(st, path) == seen::refused);
    look_from_outside(st, path);
  }
  void check_mended() const {
    st.put("x", small_array());
    CHECK(look<array<const double>>(st, path) == seen::right);
    CHECK(fs::symlink_status(path).type() == fs::file_type::regular);
    CHECK(fs::status(path).permissions() == fs::perms(0444));
    CHECK(st.info("x").type == "array<f64>");
    CHECK(st.size() == 2);
  }
  /// Others are put, and have to go again, as if it were not there.
  void check_others_go_on() const {
    for (int i = 0; i < 4; ++i) {
      const std::string name = "large " + std::to_string(i);
      st.put(name, array<double>({7'000}));
      CHECK(st.get<array<const double>>(name).size() == 7'000);
    }
    CHECK(st.used() <= 100 * 1024);
  }
};

void make_socket(const fs::path& path) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ::sockaddr_un address{};
  address.sun_family = AF_UNIX;
  REQUIRE(path.string().size() < sizeof address.sun_path);
  path.string().copy(address.sun_path, path.string().size());
  REQUIRE(::bind(fd, reinterpret_cast<const ::sockaddr*>(&address), sizeof address) == 0);
  ::close(fd);
}

}  // namespace

TEST_CASE("store: an array of which any bit is wrong is an error that names its file") {
  check_damage<array<const double>>(small_array(), flipped, 1);
}
TEST_CASE("store: an object of which any bit is wrong is an error that names its file") {
  check_damage<dictionary>(small_dictionary(), flipped, 1);
}
TEST_CASE("store: a file that is cut off anywhere is an error that names it") {
  check_damage<array<const double>>(small_array(), shortened, 1);
  check_damage<dictionary>(small_dictionary(), shortened, 7);
}

TEST_CASE("store: what has the place of an object and is none is an error, and another put mends it") {
  const fs::path elsewhere = fs::temp_directory_path();
  const auto place = GENERATE_COPY(
      as<std::function<void(const fs::path&)>>(), [](const fs::path& path) { ::mkfifo(path.c_str(), 0600); },
      make_socket, [](const fs::path& path) { fs::create_symlink("other", path); },
      [](const fs::path& path) { fs::create_symlink("nowhere", path); },
      [=](const fs::path& path) { fs::create_symlink(elsewhere, path); },
      [](const fs::path& path) { write_file(path, ""); },
      [](const fs::path& path) { write_file(path, std::string(500, '\0')); },
      [](const fs::path& path) {
        larder::dump(1.5, path);
        fs::resize_file(path, 70);
      },
      [](const fs::path& path) { larder::dump(small_array(), path, {.bare_npy = true}); });
  const replaced_object x(place);
  x.check_refused();
  x.check_others_go_on();
  x.st.clear();
  x.st.put("other", 1);
  x.check_mended();
  CHECK(x.st.get<int>("other") == 1);
}

TEST_CASE("store: a directory in the place of an object is an error, also of a put, and stays") {
  const replaced_object x([](const fs::path& path) {
    fs::create_directory(path);
    write_file(path / "of somebody", "text");
  });
  x.check_refused();
  CHECK_THROWS_WITH(x.st.put("x", 1), ContainsSubstring(x.path.string()));
  CHECK_THROWS_WITH(x.st.forget("x"), ContainsSubstring(x.path.string()));
  x.check_others_go_on();
  CHECK(read_file(x.path / "of somebody") == "text");
  fs::remove_all(x.path);
  x.check_others_go_on();
  x.st.clear();
  x.st.put("other", 1);
  x.check_mended();
}

TEST_CASE(
    "store: what a link in the place of an object leads to is neither got, nor pinned, nor written to") {
  const scratch_dir elsewhere;
  larder::dump(small_array(), elsewhere / "a.npy");
  const std::string before = read_file(elsewhere / "a.npy");
  const auto mode = fs::status(elsewhere / "a.npy").permissions();
  const replaced_object x([&](const fs::path& path) { fs::create_symlink(elsewhere / "a.npy", path); });
  x.check_refused();
  CHECK_THROWS_AS(x.st.pin("x"), larder::io_error);
  x.st.put("x", 7, {.pinned = true});
  CHECK(x.st.get<int>("x") == 7);
  CHECK(read_file(elsewhere / "a.npy") == before);
  CHECK(fs::status(elsewhere / "a.npy").permissions() == mode);
}

TEST_CASE("store: an object that may not be read any more is an error, and goes when there is need of room") {
  child_process other_user([] {
    // What is root's may be read in any case.
    if (::geteuid() == 0 && ::seteuid(65534) != 0) return k_cannot_mount;
    const replaced_object x([](const fs::path& path) {
      larder::dump(array<double>({6'000}), path);
      fs::permissions(path, fs::perms::none);
    });
    if (look<array<const double>>(x.st, x.path) != seen::refused) return 1;
    x.check_others_go_on();
    if (x.st.contains("x")) return 2;
    larder::dump(1.5, x.path);
    fs::permissions(x.path, fs::perms::none);
    x.st.put("x", small_array());
    return look<array<const double>>(x.st, x.path) == seen::right ? 0 : 3;
  });
  CHECK(other_user.wait() == 0);
}

TEST_CASE(
    "store: a lock file that is damaged is an error, and never leads to what others have being removed") {
  const scratch_dir dir;
  const auto content = GENERATE(as<std::string>(), "", "LRDBYTES", std::string(40, '\xff'));
  {
    const store st = store::at(dir / "store", {.capacity = "10K"});
    st.put("x", small_array());
    write_file(dir / "store" / ".larder-lock", content);
    // Who has it open goes on.
    CHECK(look<array<const double>>(st, st.info("x").path) == seen::right);
    st.put("x", small_array());
  }
  CHECK_THROWS_WITH(store::at(dir / "store"), ContainsSubstring((dir / "store").string()));
  CHECK(fs::exists(dir / "store" / "x"));
}

TEST_CASE("store: a directory of another user is refused, and one that others may write to") {
  const scratch_dir dir;
  const auto refuse = [&](const char* text) {
    CHECK_THROWS_AS(store::at(dir / "store"), larder::value_error);
    CHECK_THROWS_WITH(store::at(dir / "store"),
                      ContainsSubstring((dir / "store").string()) && ContainsSubstring(text));
  };
  fs::create_directory(dir / "store");
  for (const fs::perms writer : {fs::perms::group_write, fs::perms::others_write}) {
    fs::permissions(dir / "store", fs::perms::owner_all | writer);
    refuse("others may write to this directory");
  }
  fs::permissions(dir / "store", fs::perms::owner_all | fs::perms::others_read);
  CHECK_NOTHROW(store::at(dir / "store"));
  if (::geteuid() != 0) {
    WARN("SKIPPED: only root can give a directory to another user");
    return;
  }
  REQUIRE(::chown((dir / "store").c_str(), 65534, 65534) == 0);
  refuse("belongs to another user (65534)");
}

TEST_CASE(
    "store: a place of stores that somebody else laid out is refused, and nothing is removed through it") {
  child_process program([] {
    ::unsetenv("LARDER_STORE_DIR");
    if (!enter_mount_namespace() || !mount_memory("/dev/shm", "size=1m")) return k_cannot_mount;
    const fs::path root = "/dev/shm/larder-" + std::to_string(::geteuid());
    // As an attacker would: a store of a lifetime that is over, whose directory is another one.
    {
      const store victim = store::at("/dev/shm/victim", {.lifetime = larder::lifetime::last_user});
      victim.put("a", 1);
      fs::copy("/dev/shm/victim", "/dev/shm/planted", fs::copy_options::recursive);
    }
    fs::create_directory("/dev/shm/trap");
    fs::create_symlink("/dev/shm/planted", "/dev/shm/trap/run");
    const auto is_refused = [](const std::function<void()>& action) {
      try {
        action();
      } catch (const larder::error& e) {
        return std::string(e.what()).find("/dev/shm/larder-") != std::string::npos;
      }
      return false;
    };
    const auto all_refused = [&] {
      return is_refused([] { const store st("run"); }) && is_refused([] { store::list(); }) &&
             is_refused([] { store::remove("run"); }) && fs::exists("/dev/shm/planted/a");
    };
    fs::create_directory_symlink("/dev/shm/trap", root);
    if (!all_refused()) return 1;
    fs::remove(root);
    fs::rename("/dev/shm/trap", root);
    fs::permissions(root, fs::perms::all);
    if (!all_refused()) return 2;
    fs::remove_all(root);
    write_file(root, "text");
    if (!is_refused([] { const store st("run"); })) return 3;
    fs::remove(root);
    const store st("run");
    struct ::stat status {};
    if (::stat(root.c_str(), &status) != 0 || (status.st_mode & 07777) != 0700) return 4;
    return 0;
  });
  check_unless_skipped(program.wait());
}
