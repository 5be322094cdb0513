// Files as arguments: hashed by what is in them.

#include <larder/file_content.hpp>

#include <dlfcn.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <larder/hash.hpp>
#include <larder/parallel.hpp>

#include "src/file_digest.hpp"
#include "tests/catch.hpp"
#include "tests/file_bytes.hpp"
#include "tests/file_times.hpp"
#include "tests/hash_bytes.hpp"
#include "tests/read_again.hpp"
#include "tests/refused.hpp"
#include "tests/scratch_dir.hpp"

namespace fs = std::filesystem;
using namespace hash_bytes;
using larder::digest;
using larder::file_content;
using larder::hash;
using larder::detail::digest_of_file;

namespace {

std::string framed(std::uint64_t bytes, const digest& content) {
  return object("larder::file_content", u64(bytes) + u64(content.low) + u64(content.high));
}

/// What a file that holds `content` is hashed as.
digest expected(std::string_view content) { return xxh3(framed(content.size(), xxh3(content))); }

std::string bytes(std::size_t n) {
  std::string out(n, '\0');
  for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<char>(i * 31 + (i >> 13));
  return out;
}

/// Root may read everything: another user while this lives.
class no_privileges {
 public:
  no_privileges() { set(k_nobody); }
  ~no_privileges() { set(0); }
  no_privileges(const no_privileges&) = delete;
  no_privileges& operator=(const no_privileges&) = delete;

 private:
  static constexpr uid_t k_nobody = 65534;
  void set(uid_t user) const {
    if (was_root_ && ::seteuid(user) != 0) throw std::runtime_error("seteuid");
  }
  const bool was_root_ = ::geteuid() == 0;
};

}  // namespace

TEST_CASE("a file is hashed as its size and the digest of its bytes") {
  scratch_dir dir;
  const auto hash_of = [&](const std::string& content) {
    write_file(dir / "file", content);
    return hash(file_content(dir / "file"));
  };
  CHECK(hash_of("") == expected(""));
  CHECK(hash_of("abc") == expected("abc"));
  const std::size_t chunk = std::size_t{4} << 20;
  const std::string one_chunk = bytes(chunk);
  CHECK(hash_of(one_chunk) == expected(one_chunk));
  const std::string three = bytes(2 * chunk + 5);
  const std::string_view all = three;
  const digest content = xxh3(of(xxh3(all.substr(0, chunk))) + of(xxh3(all.substr(chunk, chunk))) +
                              of(xxh3(all.substr(2 * chunk))));
  CHECK(hash_of(three) == xxh3(framed(three.size(), content)));
}

// A cache that one release fills is read by the next: these must never change.
TEST_CASE("the digests of files are those of every release") {
  scratch_dir dir;
  write_file(dir / "file", "abc");
  CHECK(hash(file_content(dir / "file")).hex() == "c5dde0588b28de00bbf78433e936c4ed");
  CHECK(hash(std::vector{file_content(dir / "file")}, 1).hex() == "bd396baeaf6653a1ee54e1c320656e69");
}

TEST_CASE("the same content under two names is the same, also through a link, and another is another") {
  scratch_dir dir;
  write_file(dir / "a", "content");
  write_file(dir / "b", "content");
  write_file(dir / "c", "Content");
  fs::create_symlink("a", dir / "link");
  const digest a = hash(file_content(dir / "a"));
  CHECK(hash(file_content(dir / "b")) == a);
  CHECK(hash(file_content(dir / "link")) == a);
  CHECK(hash(file_content(dir / "c")) != a);
  CHECK(hash(std::vector{file_content(dir / "a"), file_content(dir / "c")}) ==
        xxh3(seq(2) + framed(7, xxh3("content")) + framed(7, xxh3("Content"))));
}

TEST_CASE("content that changes again and again, of the same size and at once, is seen each time") {
  scratch_dir dir;
  for (int i = 0; i < 200; ++i) {
    const std::string content = std::to_string(1000 + i);
    write_file(dir / "file", content);
    REQUIRE(hash(file_content(dir / "file")) == expected(content));
  }
}

TEST_CASE("a file that was touched, or moved, and not changed is the same") {
  scratch_dir dir;
  write_file(dir / "file", "content");
  const digest before = hash(file_content(dir / "file"));
  fs::last_write_time(dir / "file", fs::file_time_type::clock::now() - std::chrono::hours(1));
  CHECK(hash(file_content(dir / "file")) == before);
  fs::rename(dir / "file", dir / "moved");
  CHECK(hash(file_content(dir / "moved")) == before);
}

TEST_CASE("an old file is read once, and a young one each time") {
  scratch_dir dir;
  constexpr std::uint64_t k_bytes = 300000;
  const std::string content = bytes(k_bytes);
  write_file(dir / "file", content);
  const std::string path = dir / "file";
  ::timespec soon = status_of(path).st_ctim;
  ++soon.tv_sec;
  CHECK(bytes_read_by([&] { digest_of_file(path, soon); }) >= k_bytes);
  CHECK(bytes_read_by([&] { digest_of_file(path, soon); }) >= k_bytes);
  CHECK(bytes_read_by([&] { digest_of_file(path, later()); }) >= k_bytes);
  CHECK(bytes_read_by([&] { CHECK(digest_of_file(path).value == xxh3(content)); }) < k_bytes);

  SECTION("under any name") {
    fs::create_symlink("file", dir / "link");
    CHECK(bytes_read_by([&] { digest_of_file(dir / "link"); }) < k_bytes);
  }
  SECTION("also in a child of fork") {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(bytes_read_by([&] { digest_of_file(path); }) < k_bytes ? 0 : 1);
    int status = -1;
    ::waitpid(child, &status, 0);
    CHECK(status == 0);
  }
  SECTION("until it changes, even if its time of modification is set back") {
    const auto time = fs::last_write_time(path);
    const std::string other(k_bytes, 'x');
    change(path, other);
    fs::last_write_time(path, time);
    CHECK(digest_of_file(path, later()).value == xxh3(other));
    CHECK(hash(file_content(path)) == expected(other));
  }
  SECTION("until another takes its name") {
    write_file(dir / "other", "other");
    fs::rename(dir / "other", path);
    CHECK(hash(file_content(path)) == expected("other"));
  }
}

TEST_CASE("a file of the system is read once by hash() itself") {
  Dl_info libc{};
  REQUIRE(::dladdr(reinterpret_cast<void*>(&::gnu_get_libc_version), &libc) != 0);
  const file_content file(libc.dli_fname);
  const digest first = hash(file);
  const std::uint64_t before = bytes_read();
  CHECK(hash(file) == first);
  CHECK(bytes_read() - before < fs::file_size(file.path()));
}

TEST_CASE("two states of files are told apart by device, inode, size, and both times") {
  struct ::stat file {};
  const auto other = [&file](auto change_in) {
    struct ::stat changed = file;
    change_in(changed);
    return larder::detail::state_of(changed) != larder::detail::state_of(file);
  };
  CHECK(other([](auto& s) { s.st_dev = 1; }));
  CHECK(other([](auto& s) { s.st_ino = 1; }));
  CHECK(other([](auto& s) { s.st_size = 1; }));
  CHECK(other([](auto& s) { s.st_mtim.tv_sec = 1; }));
  CHECK(other([](auto& s) { s.st_mtim.tv_nsec = 1; }));
  CHECK(other([](auto& s) { s.st_ctim.tv_sec = 1; }));
  CHECK(other([](auto& s) { s.st_ctim.tv_nsec = 1; }));
  CHECK_FALSE(other([](auto& s) { s.st_atim.tv_sec = 1; }));  // reading changes nothing
}

TEST_CASE("a file is settled two seconds after both of its times") {
  const auto settled = [](std::timespec content, std::timespec status) {
    struct ::stat file {};
    file.st_mtim = content;
    file.st_ctim = status;
    return larder::detail::is_settled(file, {100, 500});
  };
  CHECK(settled({98, 499}, {98, 499}));
  CHECK(settled({97, 900}, {50, 0}));
  CHECK_FALSE(settled({98, 500}, {98, 499}));
  CHECK_FALSE(settled({98, 499}, {98, 500}));
  CHECK_FALSE(settled({50, 0}, {99, 0}));
  CHECK_FALSE(settled({101, 0}, {50, 0}));
}

TEST_CASE("what cannot be read as a file is an io_error that names it") {
  scratch_dir dir;
  const auto refused_as = [](const fs::path& path) {
    return refused(path, [&] { hash(file_content(path)); });
  };
  CHECK(refused_as(dir / "missing") == ENOENT);
  CHECK(refused_as(dir.path()) == EISDIR);
  CHECK(refused_as("/dev/zero") == EINVAL);
  CHECK(refused_as("/proc/self/stat") == EINVAL);  // its size is 0
  REQUIRE(::mkfifo((dir / "pipe").c_str(), 0600) == 0);
  CHECK(refused_as(dir / "pipe") == EINVAL);  // and does not wait for a writer
  write_file(dir / "secret", "x");
  digest_of_file(dir / "secret", later());  // what is remembered is no way around it
  fs::permissions(dir / "secret", fs::perms::none);
  const no_privileges nobody;
  CHECK(refused_as(dir / "secret") == EACCES);
}

TEST_CASE("files are hashed by several threads at once") {
  scratch_dir dir;
  const std::string content = bytes((std::size_t{4} << 20) + 1);
  write_file(dir / "file", content);
  const digest alone = hash(file_content(dir / "file"));
  larder::parallel pool({.n_jobs = 4});
  const auto found =
      pool.map(std::vector<int>(16), [&](int) { return hash(file_content(dir / "file")) == alone; });
  for (const bool same : found) CHECK(same);
}

TEST_CASE("a path becomes a file_content only where that is said") {
  STATIC_REQUIRE(std::constructible_from<file_content, fs::path>);
  STATIC_REQUIRE_FALSE(std::convertible_to<fs::path, file_content>);
  STATIC_REQUIRE_FALSE(std::convertible_to<const char*, file_content>);
  STATIC_REQUIRE(larder::hashable<std::vector<file_content>>);
  CHECK(file_content("a/b").path() == "a/b");
}
