// An array that is mapped read-only from a sealed file is not read to be hashed. Shown by a byte that is changed behind
// the library's back, which is documented to go unseen.

#include <larder/hash.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <larder/create.hpp>
#include <larder/dump.hpp>
#include <larder/inspect.hpp>
#include <larder/load.hpp>

#include "tests/catch.hpp"
#include "tests/counted.hpp"
#include "tests/scratch_dir.hpp"
#include "tests/sole_array.hpp"

namespace fs = std::filesystem;
using larder::array;
using larder::digest;
using larder::dump;
using larder::hash;
using larder::load;
using larder::mmap_mode;

namespace {

/// Sets the element to `value` by way of another descriptor.
void overwrite(const fs::path& path, std::size_t element, double value, std::size_t segment = 0) {
  const auto offset = larder::inspect(path).segments.at(segment).array.value().data_offset + 8 * element;
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  REQUIRE(fd >= 0);
  REQUIRE(::pwrite(fd, &value, sizeof value, static_cast<off_t>(offset)) == sizeof value);
  ::close(fd);
}

}  // namespace

TEST_CASE("a read-only array of a sealed file is hashed without being read") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  const auto original = counted({30, 40});
  const digest sealed = hash(original);
  dump(original, path);
  const auto ro = load<array<const double>>(path);
  overwrite(path, 41, -1);
  REQUIRE(ro(1, 1) == -1);
  CHECK(hash(ro) == sealed);
  const array<const double> handle = ro;
  CHECK(hash(handle) == sealed);
  CHECK(hash(1, ro) == hash(1, original));
  CHECK(hash(std::map<int, array<const double>>{{1, ro}}) ==
        hash(std::map<int, array<double>>{{1, original}}));
  CHECK(hash(ro.slice(0, 0, 30)) == sealed);
  CHECK(hash(ro.reshape({1200}).reshape({30, 40})) == sealed);
  CHECK(hash(ro.transpose().transpose()) == sealed);

  const auto changed = counted({30, 40});
  changed(1, 1) = -1;
  REQUIRE(hash(ro.copy()) == hash(changed));

  // Views that are not the whole of it are read.
  CHECK(hash(ro.transpose()) == hash(changed.transpose()));
  CHECK(hash(ro.reshape({40, 30})) == hash(changed.reshape({40, 30})));
  CHECK(hash(ro.reshape({1200})) == hash(changed.reshape({1200})));
  CHECK(hash(ro.reshape({1, 30, 40})) == hash(changed.reshape({1, 30, 40})));
  CHECK(hash(ro.slice(0, 0, 29)) == hash(changed.slice(0, 0, 29)));
  CHECK(hash(ro.slice(1, 0, 40, 2)) == hash(changed.slice(1, 0, 40, 2)));
  CHECK(hash(ro.sub(1)) == hash(changed.sub(1)));
}

TEST_CASE("arrays that are not mapped read-only are read to be hashed") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  const auto original = counted({100});
  dump(original, path);
  const auto cow = load<array<double>>(path);
  const auto read_only_cow = load<array<const double>>(path, {.mmap_mode = mmap_mode::copy_on_write});
  const auto copied = load<array<const double>>(path, {.mmap_mode = mmap_mode::none});
  const auto changed = counted({100});
  changed(7) = -1;
  overwrite(path, 7, -1);
  CHECK(hash(copied) == hash(original));
  CHECK(hash(cow) == hash(changed));
  CHECK(hash(array<const double>(cow)) == hash(changed));
  CHECK(hash(read_only_cow) == hash(changed));
  cow(7) = -2;
  changed(7) = -2;
  CHECK(hash(cow) == hash(changed));
}

TEST_CASE("once its file is mapped for writing a read-only array is read to be hashed") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  dump(counted({100}), path);
  const auto ro = load<array<const double>>(path);
  const auto changed = counted({100});
  {
    const auto rw = load<array<double>>(path, {.mmap_mode = mmap_mode::read_write});
    CHECK(hash(ro) == hash(changed));
    rw(7) = changed(7) = -1;
    CHECK(hash(ro) == hash(changed));
  }
  CHECK(hash(ro) == hash(changed));
  CHECK(hash(load<array<const double>>(path)) == hash(changed));

  // Resealed, it is another file: this one goes on being read, and the new one need not be.
  larder::reseal(path);
  const auto resealed = load<array<const double>>(path);
  overwrite(path, 8, -2);
  CHECK(hash(resealed) == hash(changed));
  CHECK(hash(ro) == hash(changed));
}

TEST_CASE("what create sealed is hashed without being read") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  auto out = larder::create<double>(path, {50, 20});
  out.array().assign(counted({50, 20}));
  const auto sealed = std::move(out).seal();
  overwrite(path, 3, -1);
  REQUIRE(sealed(0, 3) == -1);
  CHECK(hash(sealed) == hash(counted({50, 20})));
}

TEST_CASE("the arrays of a sealed object are hashed without being read until one is mapped for writing") {
  scratch_dir dir;
  const auto path = dir / "m";
  using named = std::map<int, array<const double>>;
  using writable = std::map<int, array<double>>;
  const writable original{{1, counted({10})}, {2, counted({4, 5}).transpose()}};
  dump(original, path);
  const auto ro = load<named>(path);
  overwrite(path, 0, -1, 0);
  overwrite(path, 0, -2, 1);
  REQUIRE(ro.at(1)(0) == -1);
  REQUIRE(ro.at(2)(0, 0) == -2);
  CHECK(hash(ro) == hash(original));
  CHECK(hash(ro.at(2)) == hash(original.at(2)));

  original.at(1)(0) = -1;
  original.at(2)(0, 0) = -2;
  {
    // Their digests are wrong by now: only a load that does not look at them gets this far.
    load<writable>(path,
                   {.mmap_mode = mmap_mode::read_write, .verification = larder::verification::structure});
  }
  CHECK(hash(ro) == hash(original));
}

TEST_CASE("arrays of plain files and of dirty ones are read to be hashed") {
  scratch_dir dir;
  dump(counted({10}), dir / "plain.npy", {.bare_npy = true});
  dump(counted({10}), dir / "dirty.npy");
  load<array<double>>(dir / "dirty.npy", {.mmap_mode = mmap_mode::read_write});
  const auto changed = counted({10});
  changed(3) = -1;
  for (const char* name : {"plain.npy", "dirty.npy"}) {
    CAPTURE(name);
    const auto ro = load<array<const double>>(dir / name);
    overwrite(dir / name, 3, -1);
    CHECK(hash(ro) == hash(changed));
  }
}
