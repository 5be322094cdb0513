// The files that dump writes, and what it leaves alone.

#include <larder/dump.hpp>

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <numeric>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <larder/error.hpp>
#include <larder/load.hpp>

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

namespace {

int dump_refused(const fs::path& path) {
  return refused(path, [&] { larder::dump(counted({3}), path); });
}

/// The working directory, for relative paths; the one before comes back.
class working_directory {
 public:
  explicit working_directory(const fs::path& path) : before_(fs::current_path()) { fs::current_path(path); }
  working_directory(const working_directory&) = delete;
  working_directory& operator=(const working_directory&) = delete;
  ~working_directory() { fs::current_path(before_); }

 private:
  fs::path before_;
};

}  // namespace

TEST_CASE("the bytes of a small container are those of the format") {
  scratch_dir dir;
  larder::dump(counted({3, 1}), dir / "a.npy");
  const container_bytes file(read_file(dir / "a.npy"));

  // The array: NumPy's header, then the data, then zeros.
  REQUIRE(file.file().size() == 128 + 24 + 40 + 128 + 64);
  CHECK(file.text(0, 128) == npy_header("<f8", false, {3, 1}));
  CHECK(file.text(128, 24) == bytes_of(std::vector<double>{1, 2, 3}));
  CHECK(file.text(152, 40) == std::string(40, '\0'));

  // The index.
  REQUIRE(file.index() == 192);
  CHECK(file.text(192, 8) == "LRDINDEX");
  CHECK(file.get<std::uint32_t>(200) == 1);   // count
  CHECK(file.get<std::uint32_t>(204) == 64);  // entry size
  CHECK(file.get<std::uint64_t>(208) == 0);   // type fingerprint: no object
  CHECK(file.get<std::uint32_t>(216) == 0);   // schema
  CHECK(file.get<std::uint32_t>(220) == 0);
  CHECK(file.get<std::uint64_t>(224) == 192);  // own offset
  CHECK(file.text(232, 24) == std::string(24, '\0'));
  // Its one entry.
  REQUIRE(file.entry(0) == 256);
  CHECK(file.get<std::uint64_t>(256) == 0);    // offset
  CHECK(file.get<std::uint64_t>(264) == 152);  // stored length
  CHECK(file.get<std::uint64_t>(272) == 152);  // raw length
  CHECK(file.get<std::uint32_t>(280) == 128);  // NPY header
  CHECK(file.get<std::uint8_t>(284) == 1);     // kind: array
  CHECK(file.get<std::uint8_t>(285) == 0);     // codec: raw
  CHECK(file.get<std::uint8_t>(286) == 2);     // check: XXH3-128
  CHECK(file.get<std::uint8_t>(287) == 0);     // flags
  const XXH128_hash_t digest = XXH3_128bits(file.file().data(), 152);
  CHECK(file.get<std::uint64_t>(288) == digest.low64);
  CHECK(file.get<std::uint64_t>(296) == digest.high64);
  CHECK(file.get<std::uint32_t>(304) == 0);  // extended dtype
  CHECK(file.get<std::uint32_t>(308) == 6);  // log2 alignment
  CHECK(file.text(312, 8) == std::string(8, '\0'));

  // The trailer.
  REQUIRE(file.trailer() == 320);
  CHECK(file.get<std::uint64_t>(320) == 192);  // index offset
  CHECK(file.get<std::uint64_t>(328) == 128);  // index length
  CHECK(file.get<std::uint64_t>(336) == XXH3_64bits(&file.file()[192], 128));
  CHECK(file.get<std::uint64_t>(344) == 384);  // file length
  CHECK(file.get<std::uint32_t>(352) == 0);    // incompatible flags
  CHECK(file.get<std::uint32_t>(356) == 0);    // compatible flags
  CHECK(file.get<std::uint16_t>(360) == 1);    // major
  CHECK(file.get<std::uint16_t>(362) == 0);    // minor
  CHECK(file.get<std::uint32_t>(364) == 0);    // state
  CHECK(file.get<std::uint64_t>(368) == XXH3_64bits(&file.file()[320], 44));
  CHECK(file.text(376, 8) == "\r\nLRDEND");
}

TEST_CASE("data that end on a multiple of 64 are followed by the index at once") {
  scratch_dir dir;
  larder::dump(counted({8}), dir / "a.npy");
  CHECK(read_file(dir / "a.npy") ==
        container_bytes::made_of(
            npy_header("<f8", false, {8}) + bytes_of(std::vector<double>{1, 2, 3, 4, 5, 6, 7, 8}), 128)
            .file());
}

TEST_CASE("every shape and order gives the bytes that an independent writer makes") {
  scratch_dir dir;
  const auto check = [&](const array<double>& a, bool fortran, const std::vector<double>& stored) {
    const std::string header =
        npy_header("<f8", fortran, std::vector<std::size_t>(a.shape().begin(), a.shape().end()));
    larder::dump(a, dir / "a.npy");
    CHECK(read_file(dir / "a.npy") ==
          container_bytes::made_of(header + bytes_of(stored), header.size()).file());
  };
  check(counted(extents()), false, {1});
  check(counted({0}), false, {});
  check(counted({2, 3}), false, {1, 2, 3, 4, 5, 6});
  check(counted({2, 3}).transpose(), true, {1, 2, 3, 4, 5, 6});
  check(counted({2, 3}).slice(1, 0, 3, 2), false, {1, 3, 4, 6});
  check(counted({1, 3}).transpose(), false, {1, 2, 3});
  check(counted({1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2}), false,
        {1, 2});  // a header of 192 bytes
}

TEST_CASE("a container has its array's digest as a tree above 4 MiB") {
  scratch_dir dir;
  const array<std::uint8_t> a({(4 << 20) + 100});
  std::iota(a.flat().begin(), a.flat().end(), std::uint8_t{0});
  larder::dump(a, dir / "a.npy");
  const container_bytes file(read_file(dir / "a.npy"));
  std::string tree = file.text(0, 128);
  for (const auto& [at, length] :
       {std::pair<std::size_t, std::size_t>{128, 4 << 20}, {128 + (4 << 20), 100}}) {
    const XXH128_hash_t chunk = XXH3_128bits(&file.file()[at], length);
    tree += bytes_of(std::vector<std::uint64_t>{chunk.low64, chunk.high64});
  }
  const XXH128_hash_t digest = XXH3_128bits(tree.data(), tree.size());
  CHECK(file.get<std::uint64_t>(file.entry(0) + 32) == digest.low64);
  CHECK(file.get<std::uint64_t>(file.entry(0) + 40) == digest.high64);
}

TEST_CASE("equal content gives equal bytes") {
  scratch_dir dir;
  const auto bytes = [&](const auto& value) {
    larder::dump(value, dir / "a");
    return read_file(dir / "a");
  };
  const auto a = counted({5, 4});
  const std::string expected = bytes(a);
  CHECK(bytes(a) == expected);
  CHECK(bytes(a.copy()) == expected);
  CHECK(bytes(array<const double>(a)) == expected);
  const array<double> spread({5, 8});
  spread.slice(1, 0, 8, 2).assign(a);
  CHECK(bytes(spread.slice(1, 0, 8, 2)) == expected);
  larder::dump(a, dir / "b");
  CHECK(bytes(larder::load<array<const double>>(dir / "b")) == expected);
  CHECK(bytes(std::vector<double>{1, 2, 3}) == bytes(counted({3})));
}

TEST_CASE("a bare npy is the header and the data and nothing else") {
  scratch_dir dir;
  larder::dump(counted({2, 2}), dir / "a.npy", {.bare_npy = true});
  CHECK(read_file(dir / "a.npy") ==
        npy_header("<f8", false, {2, 2}) + bytes_of(std::vector<double>{1, 2, 3, 4}));
  larder::dump(counted({0}), dir / "b.npy", {.bare_npy = true});
  CHECK(read_file(dir / "b.npy") == npy_header("<f8", false, {0}));
}

TEST_CASE("a durable file is the same file") {
  scratch_dir dir;
  larder::dump(counted({3}), dir / "a.npy");
  larder::dump(counted({3}), dir / "b.npy", {.durable = true});
  CHECK(read_file(dir / "a.npy") == read_file(dir / "b.npy"));
  CHECK(dir.names() == std::vector<std::string>{"a.npy", "b.npy"});
}

TEST_CASE("dump replaces a file and leaves mappings of the old one as they were") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  larder::dump(counted({1000}), path);
  const auto old = larder::load<array<const double>>(path);
  larder::dump(array<double>({10}), path);
  CHECK(old.size() == 1000);
  CHECK(old(999) == 1000.0);
  CHECK(larder::load<array<const double>>(path).size() == 10);
  CHECK(dir.names() == std::vector<std::string>{"a.npy"});
}

TEST_CASE("readers see the old file or a new one while threads dump to one path") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  const auto full_of = [](double value) {
    const array<double> a({1 + static_cast<std::size_t>(value)});
    a.fill(value);
    return a;
  };
  larder::dump(full_of(0), path);
  std::atomic<int> running = 2;
  std::vector<std::thread> writers;
  for (const double first : {1.0, 2.0}) {
    writers.emplace_back([&, first] {
      for (int i = 0; i < 100; ++i) larder::dump(full_of(first + 2 * i), path);
      --running;
    });
  }
  std::size_t mixed = 0;
  std::size_t seen = 0;
  do {
    const auto a = larder::load<array<const double>>(path);
    ++seen;
    for (const double x : a.flat()) mixed += x + 1 != static_cast<double>(a.size());
  } while (running > 0);
  for (auto& writer : writers) writer.join();
  CHECK(mixed == 0);
  CHECK(seen > 0);
  CHECK(dir.names() == std::vector<std::string>{"a.npy"});
}

TEST_CASE("an array can be dumped over the file that it is mapped from") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  larder::dump(counted({1000, 2}), path);
  larder::dump(larder::load<array<const double>>(path).slice(1, 1, 2), path);
  const auto back = larder::load<array<const double>>(path);
  CHECK(back.size() == 1000);
  CHECK(back(999, 0) == 2000.0);
}

TEST_CASE("dump leaves nothing but the file it was asked for") {
  scratch_dir dir;
  larder::dump(counted({3}), dir / "a.npy");
  larder::dump(counted({3}), dir / "a.npy");
  CHECK(dir.names() == std::vector<std::string>{"a.npy"});
}

TEST_CASE("a dumped file has the permissions of any new file") {
  scratch_dir dir;
  const mode_t before = ::umask(027);
  larder::dump(counted({3}), dir / "a.npy");
  larder::dump(counted({3}), dir / "a.npy");  // also when it replaces one
  ::umask(before);
  struct stat status {};
  REQUIRE(::stat((dir / "a.npy").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0640);
}

TEST_CASE("a relative path is taken from the working directory") {
  scratch_dir dir;
  const working_directory inside(dir.path());
  larder::dump(counted({3}), "a.npy");
  CHECK(dir.names() == std::vector<std::string>{"a.npy"});
  CHECK(larder::load<array<const double>>("a.npy")(2) == 3.0);
  fs::create_directory("sub");
  larder::dump(counted({4}), "sub/../sub/b.npy");
  CHECK(larder::load<array<const double>>("./sub/b.npy").size() == 4);
}

TEST_CASE("a missing directory is an io_error and is not made") {
  scratch_dir dir;
  CHECK(dump_refused(dir / "no" / "a.npy") == ENOENT);
  CHECK(dir.names().empty());
}

TEST_CASE("a file in place of the directory is an io_error") {
  scratch_dir dir;
  write_file(dir / "file", "content");
  CHECK(dump_refused(dir / "file" / "a.npy") == ENOTDIR);
  CHECK(read_file(dir / "file") == "content");
}

TEST_CASE("an empty path is an io_error") { CHECK(dump_refused("") != 0); }

TEST_CASE("a directory is not replaced by a file") {
  scratch_dir dir;
  fs::create_directory(dir / "empty");
  CHECK(dump_refused(dir / "empty") == EISDIR);
  CHECK(fs::is_directory(dir / "empty"));
  CHECK(dump_refused(dir / "empty/") != 0);
  CHECK(dir.names() == std::vector<std::string>{"empty"});
}

TEST_CASE("what is not a regular file is refused and stays") {
  scratch_dir dir;
  const auto pipe = dir / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(dump_refused(pipe) != 0);
  CHECK(fs::is_fifo(pipe));

  // A null device of the test's own where that is allowed; elsewhere nobody can replace the system's.
  auto device = dir / "null";
  if (::mknod(device.c_str(), S_IFCHR | 0600, ::makedev(1, 3)) != 0) {
    device = "/dev/null";
    REQUIRE(::geteuid() != 0);
  }
  CHECK(dump_refused(device) != 0);
  CHECK(fs::is_character_file(device));
}

TEST_CASE("a symbolic link is followed and stays a link") {
  scratch_dir dir;
  fs::create_directory(dir / "real");
  write_file(dir / "real" / "a.npy", "old");
  fs::create_symlink("real/a.npy", dir / "link");
  larder::dump(counted({3}), dir / "link");
  CHECK(fs::is_symlink(dir / "link"));
  CHECK_FALSE(fs::is_symlink(dir / "real" / "a.npy"));
  CHECK(larder::load<array<const double>>(dir / "real" / "a.npy")(2) == 3.0);
  CHECK(dir.names() == std::vector<std::string>{"link", "real"});
}

TEST_CASE("a symbolic link to nothing gets its target made") {
  scratch_dir dir;
  fs::create_directory(dir / "real");
  fs::create_symlink("real/new.npy", dir / "link");
  fs::create_symlink("link", dir / "chain");
  larder::dump(counted({3}), dir / "chain");
  CHECK(fs::is_symlink(dir / "chain"));
  CHECK(fs::is_symlink(dir / "link"));
  CHECK(larder::load<array<const double>>(dir / "real" / "new.npy")(2) == 3.0);
}

TEST_CASE("a circle of symbolic links is an io_error") {
  scratch_dir dir;
  fs::create_symlink("b", dir / "a");
  fs::create_symlink("a", dir / "b");
  CHECK(dump_refused(dir / "a") == ELOOP);
  CHECK(dir.names() == std::vector<std::string>{"a", "b"});
}

TEST_CASE("a name that the file system refuses is an io_error") {
  scratch_dir dir;
  CHECK(dump_refused(dir / std::string(300, 'x')) == ENAMETOOLONG);
  CHECK(dir.names().empty());
  // The longest name leaves no room for a suffix on a temporary file.
  larder::dump(counted({3}), dir / std::string(255, 'x'));
  larder::dump(counted({4}), dir / std::string(255, 'x'));
  CHECK(dir.names() == std::vector<std::string>{std::string(255, 'x')});
}

TEST_CASE("a file that is replaced keeps its permissions") {
  scratch_dir dir;
  larder::dump(counted({3}), dir / "a.npy");
  fs::permissions(dir / "a.npy", fs::perms::owner_read | fs::perms::owner_write);
  larder::dump(counted({4}), dir / "a.npy");
  CHECK(fs::status(dir / "a.npy").permissions() == (fs::perms::owner_read | fs::perms::owner_write));
  CHECK(larder::load<array<const double>>(dir / "a.npy").size() == 4);
}
