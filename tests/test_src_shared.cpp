// Arrays in shared memory.

#include <larder/array.hpp>

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <new>

#include <fcntl.h>

#include <larder/error.hpp>

#include "src/buffer.hpp"
#include "tests/catch.hpp"
#include "tests/child_process.hpp"
#include "tests/sanitizers.hpp"

using Catch::Matchers::ContainsSubstring;
using larder::array;

namespace {

const larder::detail::buffer& buffer_of(const auto& a) { return *larder::detail::array_access::raw(a).owner; }

}  // namespace

TEST_CASE("shared memory is zeroed and row-major") {
  const auto a = array<double>::shared({30, 40});
  CHECK(a.shape(0) == 30);
  CHECK(a.shape(1) == 40);
  CHECK(a.is_contiguous());
  bool zero = true;
  for (const double x : a.flat()) zero = zero && x == 0;
  CHECK(zero);
  a.fill(1.5);
  CHECK(a.copy()(29, 39) == 1.5);
  CHECK_FALSE(a.copy().is_mapped());
}

TEST_CASE("shared memory says that it is mapped for reading and writing and has no path") {
  const auto a = array<std::int32_t>::shared({10, 5});
  CHECK(a.is_mapped());
  const auto origin = a.origin();
  REQUIRE(origin);
  CHECK(origin->path.empty());
  CHECK(origin->offset == 0);
  CHECK(origin->mode == larder::mmap_mode::read_write);
  CHECK(a.sub(3).origin()->offset == 3 * 5 * 4);
  CHECK(array<const std::int32_t>(a).is_mapped());
}

TEST_CASE("a child of fork and its parent see what the other writes to shared memory") {
  const auto a = array<std::int64_t>::shared({100'000});
  a(7) = 1;
  int to_child[2];
  REQUIRE(::pipe(to_child) == 0);
  std::fflush(nullptr);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::alarm(k_child_seconds);
    char byte = 0;
    const bool told = ::read(to_child[0], &byte, 1) == 1;
    // The write after the fork, and the one before.
    if (!told || a(99'999) != 2 || a(7) != 1) ::_exit(1);
    a(50'000) = 3;
    ::_exit(0);
  }
  a(99'999) = 2;
  const char go = 'g';
  CHECK(::write(to_child[1], &go, 1) == 1);
  int status = -1;
  CHECK(::waitpid(child, &status, 0) == child);
  ::close(to_child[0]);
  ::close(to_child[1]);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(a(50'000) == 3);
}

TEST_CASE("the descriptor of shared memory maps the same bytes and is closed on exec") {
  const auto a = array<std::int32_t>::shared({1000});
  a(999) = 77;
  const int fd = buffer_of(a).shared_descriptor();
  REQUIRE(fd >= 0);
  CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
  std::int32_t found = 0;
  CHECK(::pread(fd, &found, sizeof found, 999 * sizeof found) == sizeof found);
  CHECK(found == 77);
  found = -5;
  CHECK(::pwrite(fd, &found, sizeof found, 0) == sizeof found);
  CHECK(a(0) == -5);
  CHECK(buffer_of(array<int>({10'000})).shared_descriptor() == -1);
}

TEST_CASE("shared memory lives as long as a view of it and its descriptor no longer") {
  auto a = array<float>::shared({100, 100});
  a(50, 60) = 1.25F;
  const int fd = buffer_of(a).shared_descriptor();
  auto view = array<const float>(a.slice(0, 50, 51));
  a = array<float>();
  CHECK(view(0, 60) == 1.25F);
  CHECK(::fcntl(fd, F_GETFD) >= 0);
  view = array<const float>();
  CHECK(::fcntl(fd, F_GETFD) == -1);
}

TEST_CASE("shared memory can be of any shape, empty and without dimensions too") {
  const auto none = array<double>::shared({0, 3});
  CHECK(none.size() == 0);
  CHECK(none.shape(1) == 3);
  CHECK(none.is_mapped());
  const auto one = array<float>::shared({});
  CHECK(one.size() == 1);
  one() = 2.5F;
  CHECK(one() == 2.5F);
  const auto large = array<std::uint8_t>::shared({std::size_t{5} << 20});  // with the advice of huge pages
  large((std::size_t{5} << 20) - 1) = 9;
  CHECK(large(0) == 0);
}

TEST_CASE("shared memory that cannot be had is refused") {
  CHECK_THROWS_AS(array<double>::shared({std::int64_t{1} << 40, std::int64_t{1} << 30}), larder::value_error);
  // More than any address space, less than 2^63.
  const std::size_t huge = std::size_t{1} << 61;
  try {
    array<std::uint8_t>::shared({huge});
    FAIL("there is no such memory");
  } catch (const larder::io_error& e) {
    CHECK_THAT(e.what(), ContainsSubstring("shared memory of " + std::to_string(huge) + " bytes"));
    CHECK(e.errno_value() != 0);
  }
}

#if !LARDER_TEST_ADDRESS_SANITIZER  // the sanitizer looks at objects by way of a descriptor of its own
TEST_CASE("shared memory without a free descriptor is an io_error that says so") {
  ::rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  ::rlimit none = before;
  none.rlim_cur = 0;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  int refused = 0;
  try {
    array<int>::shared({10});
  } catch (const larder::io_error& e) {
    refused = e.errno_value();
  }
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(refused == EMFILE);
}
#endif
