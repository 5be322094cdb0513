// Objects on a full disk: an error that says how much is needed and free, never a SIGBUS; and with a capacity, others go first.

#include <larder/store.hpp>

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include <larder/error.hpp>

#include "tests/catch.hpp"
#include "tests/child_process.hpp"
#include "tests/small_disk.hpp"

namespace fs = std::filesystem;
using larder::array;
using larder::store;

namespace {

array<double> filled(std::size_t bytes, double value) {
  array<double> a({bytes / sizeof(double)});
  a.fill(value);
  return a;
}

bool is_filled(const store& st, const char* name, std::size_t bytes, double value) {
  const auto a = st.get<array<const double>>(name);
  return a.size() == bytes / sizeof(double) &&
         std::ranges::all_of(a.flat(), [value](double each) { return each == value; });
}

/// Of the io_error ENOSPC that `action` throws; empty where it throws none.
std::string text_of_full(const std::function<void()>& action) {
  try {
    action();
  } catch (const larder::io_error& e) {
    return e.errno_value() == ENOSPC ? e.what() : "";
  }
  return {};
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

void fill_up(const fs::path& path) {
  std::ofstream filler(path, std::ios::binary);
  while (filler.write(std::string(4096, 'x').data(), 4096).flush()) {
  }
}

std::size_t files_in(const fs::path& directory) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
}

constexpr std::size_t k_kib = 1024;

}  // namespace

TEST_CASE("store: an object that is larger than the disk is an error with what is needed and free") {
  on_a_small_disk([](const fs::path& disk) {
    const store st = store::at(disk / "store");
    st.put("a", filled(64 * k_kib, 1));
    const std::map<std::string, array<double>> many = {{"b", filled(700 * k_kib, 2)},
                                                       {"c", filled(700 * k_kib, 3)}};
    const auto check = [&](const std::string& text, std::size_t needed) {
      expect(contains(text, (st.path() / "a").string()), "it names the object: " + text);
      // Of the whole file, or of its content.
      const auto at = text.find("needs ");
      expect(at != std::string::npos, "it says what is needed: " + text);
      const std::size_t said = std::stoul(text.substr(at + 6));
      expect(said >= needed && said < needed + 8 * k_kib, "and how much: " + text);
      const auto free_at = text.find("bytes, and ");
      expect(free_at != std::string::npos, "it says what is free: " + text);
      const std::size_t free = std::stoul(text.substr(free_at + 11));
      expect(free > 900 * k_kib && free < 1024 * k_kib, "and how much: " + text);
    };
    check(text_of_full([&] { st.put("a", filled(2048 * k_kib, 2)); }), 2048 * k_kib);
    check(text_of_full([&] { st.put("a", many); }), 1400 * k_kib);
    check(text_of_full([&] { st.create<double>("a", {256 * k_kib}); }), 2048 * k_kib);
    expect(is_filled(st, "a", 64 * k_kib, 1), "what was there under the name stays");
    expect(files_in(st.path()) == 2, "nothing else is left");
    st.put("a", filled(600 * k_kib, 4));
    expect(is_filled(st, "a", 600 * k_kib, 4), "the next is put");
  });
}

TEST_CASE("store: what is created has its space before it is filled") {
  on_a_small_disk([](const fs::path& disk) {
    const store st = store::at(disk / "store");
    auto writer = st.create<double>("a", {64 * k_kib});
    fill_up(disk / "filler");
    writer.array().fill(2);
    std::move(writer).seal();
    expect(is_filled(st, "a", 512 * k_kib, 2), "the object is whole");
    expect(!text_of_full([&] { st.put("b", filled(64 * k_kib, 1)); }).empty(), "another has no place");
    expect(!text_of_full([&] { st.create<double>("b", {8 * k_kib}); }).empty(), "nor one in place");
    st.forget("a");
    st.put("b", filled(64 * k_kib, 1));
    expect(is_filled(st, "b", 64 * k_kib, 1), "until the first is forgotten");
  });
}

TEST_CASE("store: with a capacity, what was least recently used makes place on the disk, too") {
  on_a_small_disk([](const fs::path& disk) {
    const store st = store::at(disk / "store", {.capacity = "1G"});
    st.put("pinned", filled(100 * k_kib, 0), {.pinned = true});
    st.put("a", filled(200 * k_kib, 1));
    st.put("b", filled(200 * k_kib, 2));
    st.put("c", filled(200 * k_kib, 3));
    st.get<array<const double>>("a");
    // What of it could be written until the disk was full is no reason for more to go.
    st.put("d", filled(350 * k_kib, 4));
    expect(is_filled(st, "d", 350 * k_kib, 4), "it has its place");
    expect(!st.contains("b"), "b is gone");
    expect(st.contains("a") && st.contains("c") && st.contains("pinned"), "and no other");

    auto writer = st.create<double>("e", {300 * k_kib / sizeof(double)});
    expect(st.names().size() < 4, "another went for what is created");
    writer.array().fill(5);
    std::move(writer).seal();
    expect(is_filled(st, "e", 300 * k_kib, 5), "it is whole");
    expect(st.contains("pinned"), "what is pinned stays");

    const auto held = st.get<array<const double>>("e");
    const std::string text = text_of_full([&] { st.put("f", filled(900 * k_kib, 6)); });
    expect(contains(text, "pinned or in use"), "there is no more: " + text);
    expect(st.contains("pinned") && st.contains("e"), "what is pinned or in use stays");
    st.put("g", filled(400 * k_kib, 7));
    expect(is_filled(st, "g", 400 * k_kib, 7), "what has its place is put");
  });
}

TEST_CASE("store: works on a /dev/shm of 8 MB, and without one") {
  for (const bool there : {true, false}) {
    child_process program([there] {
      ::unsetenv("LARDER_STORE_DIR");
      if (!enter_mount_namespace()) return k_cannot_mount;
      if (there ? !mount_memory("/dev/shm", "size=8m")
                : !mount_memory("/tmp", "size=8m") || !mount_memory("/dev", "size=8m"))
        return k_cannot_mount;
      const store st("run");
      const std::string root = there ? "/dev/shm/larder-" : "/tmp/larder-";
      if (st.path() != root + std::to_string(::geteuid()) + "/run") return 1;
      st.put("a", filled(5000 * k_kib, 1));
      if (text_of_full([&] { st.put("a", filled(9000 * k_kib, 2)); }).empty()) return 2;
      if (text_of_full([&] { st.create<double>("b", {1000 * k_kib}); }).empty()) return 3;
      if (!is_filled(st, "a", 5000 * k_kib, 1) || store::list().size() != 1) return 4;
      if (!store::remove("run") || store("run").used() != 0) return 5;
      return 0;
    });
    check_unless_skipped(program.wait());
  }
}

TEST_CASE("store: where nothing can be written it is an error that names the place") {
  child_process program([] {
    ::unsetenv("LARDER_STORE_DIR");
    if (!enter_mount_namespace() || ::mount("tmpfs", "/dev/shm", "tmpfs", MS_RDONLY, "size=4k") != 0)
      return k_cannot_mount;
    try {
      const store st("run");
    } catch (const larder::io_error& e) {
      return e.errno_value() == EROFS && contains(e.what(), "/dev/shm/larder-") ? 0 : 1;
    }
    return 2;
  });
  check_unless_skipped(program.wait());
}
