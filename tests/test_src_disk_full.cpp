// A full disk is an error and leaves nothing behind: on a small file system that is mounted for the test.

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <larder/create.hpp>
#include <larder/dump.hpp>
#include <larder/inspect.hpp>
#include <larder/load.hpp>

#include "tests/catch.hpp"
#include "tests/file_bytes.hpp"
#include "tests/npy_bytes.hpp"
#include "tests/small_disk.hpp"
#include "tests/sole_array.hpp"

namespace fs = std::filesystem;
using larder::array;

namespace {

std::size_t entries(const fs::path& directory) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
}

}  // namespace

TEST_CASE("dump to a full disk is an io_error and leaves the old file") {
  on_a_small_disk([](const fs::path& disk) {
    const auto path = disk / "a.npy";
    larder::dump(std::vector<double>{1, 2, 3}, path);
    const std::string before = read_file(path);
    for (const bool bare : {false, true}) {
      const array<double> large({1 << 19});
      expect(errno_of([&] { larder::dump(large, path, {.bare_npy = bare}); }) == ENOSPC, "dump: ENOSPC");
      expect(errno_of([&] {
               larder::dump(large.reshape({1 << 10, 1 << 9}).transpose().slice(0, 0, 512, 1), path,
                            {.bare_npy = bare});
             }) == ENOSPC,
             "dump of a view: ENOSPC");
    }
    expect(read_file(path) == before, "the old file is untouched");
    expect(entries(disk) == 1, "nothing else is left");
    larder::dump(array<double>({1 << 16}), path);  // half of the disk: its space is free again
    expect(sole_array(larder::verify(path)).data_bytes == std::uint64_t{8} << 16, "the next dump is whole");
  });
}

TEST_CASE("create takes the space first so that a full disk is an io_error") {
  on_a_small_disk([](const fs::path& disk) {
    const auto path = disk / "a.npy";
    expect(errno_of([&] { larder::create<double>(path, {1 << 19}); }) == ENOSPC, "create: ENOSPC");
    expect(entries(disk) == 0, "nothing is left");
    auto out = larder::create<double>(path, {1 << 16});
    expect(errno_of([&] { larder::create<double>(disk / "b.npy", {100000}); }) == ENOSPC,
           "the space is taken");

    // What is left goes to another file: filling the array and sealing it need none of it.
    std::ofstream filler(disk / "filler", std::ios::binary);
    while (filler.write(std::string(4096, 'x').data(), 4096).flush()) {
    }
    filler.close();
    out.array().fill(2.5);
    std::move(out).seal();
    expect(larder::verify(path).state == larder::file_state::sealed, "the file is sealed");
    expect(larder::load<array<const double>>(path)((1 << 16) - 1) == 2.5, "the file is whole");
  });
}

TEST_CASE("reseal on a full disk is an io_error and leaves the file as it was") {
  on_a_small_disk([](const fs::path& disk) {
    const auto path = disk / "a.npy";
    larder::dump(array<double>({100000}), path);  // too large to be there twice
    larder::load<array<double>>(path, {.mmap_mode = larder::mmap_mode::read_write})(7) = 1;
    expect(errno_of([&] { larder::reseal(path); }) == ENOSPC, "reseal: ENOSPC");
    expect(larder::verify(path).state == larder::file_state::dirty, "the file is still there");
    expect(larder::load<array<const double>>(path)(7) == 1, "with its content");
    expect(entries(disk) == 1, "nothing else is left");
  });
}

TEST_CASE("a sparse file is mapped read_write once its space is taken so that a full disk is an io_error") {
  on_a_small_disk([](const fs::path& disk) {
    const auto sparse = [&](const char* name, std::size_t count) {
      const auto path = disk / name;
      const std::string header = npy_header("<f8", false, {count});
      write_file(path, header);
      fs::resize_file(path, header.size() + count * sizeof(double));
      return path;
    };
    const auto large = sparse("large.npy", 1 << 19);  // four times the disk
    const auto map = [](const fs::path& path) {
      return larder::load<array<double>>(path, {.mmap_mode = larder::mmap_mode::read_write});
    };
    const std::string before = read_file(large);
    expect(errno_of([&] { map(large).fill(1.0); }) == ENOSPC, "read_write: ENOSPC");
    expect(read_file(large) == before, "the file is as it was");
    expect(larder::load<array<const double>>(large)(99) == 0.0, "it can be read all the same");
    larder::load<array<double>>(large)(99) = 1.0;  // copy_on_write takes no space of the disk
    fs::remove(large);

    const auto small = sparse("small.npy", 1 << 16);  // half of the disk
    auto a = map(small);
    // What is left goes to another file: the mapping needs none of it.
    std::ofstream filler(disk / "filler", std::ios::binary);
    while (filler.write(std::string(4096, 'x').data(), 4096).flush()) {
    }
    filler.close();
    a.fill(2.5);
    a = array<double>();
    expect(larder::load<array<const double>>(small)((1 << 16) - 1) == 2.5, "what is written is in the file");
  });
}

TEST_CASE("a sparse file that was sealed is not marked where its space cannot be taken") {
  on_a_small_disk([](const fs::path& disk) {
    const auto path = disk / "a.npy";
    larder::dump(array<double>({1 << 16}), path);
    const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    expect(::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 100 * 4096) == 0,
           "the test can make a hole");
    ::close(fd);
    std::ofstream filler(disk / "filler", std::ios::binary);
    while (filler.write(std::string(4096, 'x').data(), 4096).flush()) {
    }
    filler.close();
    expect(errno_of([&] {
             larder::load<array<double>>(path, {.mmap_mode = larder::mmap_mode::read_write}).fill(1.0);
           }) == ENOSPC,
           "read_write: ENOSPC");
    expect(larder::verify(path).state == larder::file_state::sealed, "the file is sealed");
  });
}
