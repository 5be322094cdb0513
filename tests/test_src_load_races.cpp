// Files that change while they are loaded: what is loaded is whole, or it is an error.

#include <larder/load.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <larder/array.hpp>
#include <larder/dump.hpp>
#include <larder/error.hpp>
#include <larder/inspect.hpp>

#include "tests/catch.hpp"
#include "tests/file_bytes.hpp"
#include "tests/scratch_dir.hpp"

namespace fs = std::filesystem;
using larder::array;
using larder::load;
using larder::mmap_mode;

namespace {

using record = std::map<std::string, array<const double>>;

/// As many elements as each of them says.
array<double> of_size(std::size_t n) {
  const array<double> a({n});
  a.fill(static_cast<double>(n));
  return a;
}
bool is_of_size(const array<const double>& a) {
  return a.size() != 0 &&
         std::ranges::all_of(a.flat(), [&](double x) { return x == static_cast<double>(a.size()); });
}

struct outcomes {
  /// Whether a reader has had its turn.
  bool any() const { return whole + wrong + refused != 0; }

  std::atomic<int> whole = 0;
  std::atomic<int> absent = 0;
  std::atomic<int> refused = 0;
  std::atomic<int> wrong = 0;

  template <class Load>
  void count(Load loads_whole) {
    try {
      (loads_whole() ? whole : wrong)++;
    } catch (const larder::io_error& e) {
      (e.errno_value() == ENOENT ? absent : wrong)++;
    } catch (const larder::format_error&) {
      refused++;
    }
  }
};

}  // namespace

TEST_CASE("an array that is replaced and removed while it is loaded comes whole or is not there") {
  scratch_dir dir;
  const auto path = dir / "a";
  outcomes seen;
  std::atomic<bool> done = false;
  {
    const std::jthread writer([&] {
      for (std::size_t i = 0; i < 300 || !seen.any(); ++i) {
        larder::dump(of_size(1 + i * 97 % 30000), path,
                     {.compress = i % 5 == 0 ? 1 : 0, .bare_npy = i % 5 == 1});
        if (i % 7 == 0) fs::remove(path);
      }
      done = true;
    });
    std::vector<std::jthread> readers;
    for (int t = 0; t < 2; ++t) {
      readers.emplace_back([&, t] {
        for (int i = t; !done; ++i) {
          switch (i % 4) {
            case 0:
              seen.count([&] { return is_of_size(load<array<const double>>(path)); });
              break;
            case 1:
              seen.count([&] { return is_of_size(load<array<double>>(path)); });
              break;
            case 2:
              seen.count([&] {
                return is_of_size(load<array<const double>>(path, {.mmap_mode = mmap_mode::none}));
              });
              break;
            default:
              seen.count([&] {
                const auto info = larder::verify(path);
                return info.type == "array<f64>";
              });
          }
        }
      });
    }
  }
  CHECK(seen.wrong == 0);
  CHECK(seen.refused == 0);
  CHECK(seen.whole > 0);
}

TEST_CASE("an object that is replaced while it is loaded comes whole") {
  scratch_dir dir;
  const auto path = dir / "m";
  outcomes seen;
  std::atomic<bool> done = false;
  const auto dumped = [&](std::size_t i) {
    const auto a = of_size(1 + i * 131 % 9000);
    larder::dump(record{{"a", a}, {"b", of_size(a.size())}, {std::to_string(a.size()), a}}, path,
                 {.compress = i % 4 == 0 ? 1 : 0});
  };
  dumped(0);
  {
    const std::jthread writer([&] {
      for (std::size_t i = 0; i < 200 || !seen.any(); ++i) dumped(i);
      done = true;
    });
    std::vector<std::jthread> readers;
    for (int t = 0; t < 2; ++t) {
      readers.emplace_back([&] {
        while (!done) {
          seen.count([&] {
            const auto m = load<record>(path);
            return is_of_size(m.at("a")) && m.at("b").size() == m.at("a").size() && is_of_size(m.at("b")) &&
                   m.contains(std::to_string(m.at("a").size()));
          });
        }
      });
    }
  }
  CHECK(seen.wrong == 0);
  CHECK(seen.refused == 0);
  CHECK(seen.absent == 0);
  CHECK(seen.whole > 0);
}

TEST_CASE("a file that grows and shrinks while it is read is an error or whole") {
  scratch_dir dir;
  const auto path = dir / "a";
  for (const int level : {0, 1}) {
    for (const bool object : {false, true}) {
      const auto a = of_size(20000);
      const record m{{"a", a}};
      if (object) {
        larder::dump(m, path, {.compress = level});
      } else {
        larder::dump(a, path, {.compress = level});
      }
      const std::string sound = read_file(path);
      outcomes seen;
      std::atomic<bool> done = false;
      {
        const std::jthread writer([&] {
          const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
          const auto size = static_cast<off_t>(sound.size());
          for (int i = 0; i < 400 && fd >= 0; ++i) {
            if (::ftruncate(fd, (i % 3) * size / 2) != 0) break;
            if (::ftruncate(fd, size + 64 * (i % 4)) != 0) break;
            if (::pwrite(fd, sound.data(), sound.size(), 0) < 0 || ::ftruncate(fd, size) != 0) break;
          }
          ::close(fd);
          done = true;
        });
        std::vector<std::jthread> readers;
        for (int t = 0; t < 2; ++t) {
          readers.emplace_back([&] {
            while (!done) {
              seen.count([&] {
                return is_of_size(object ? load<record>(path, {.mmap_mode = mmap_mode::none}).at("a")
                                         : load<array<const double>>(path, {.mmap_mode = mmap_mode::none}));
              });
              seen.count([&] { return larder::verify(path).file_bytes == sound.size(); });
            }
          });
        }
      }
      CAPTURE(level, object);
      CHECK(seen.wrong == 0);
      CHECK(seen.absent == 0);
      CHECK(read_file(path) == sound);
      CHECK_NOTHROW(larder::verify(path));
    }
  }
}
