#include "tools/benchmarks/calls.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <larder/hash.hpp>

#include "tools/benchmarks/bench.hpp"

namespace larder_bench {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t k_page = 4096;

/// What passed between one lap and the next, by name; each is some 20 ns too long, which is the clock's.
class laps {
 public:
  void lap(const char* name, bool good) {
    const double time = now();
    if (!good) throw std::runtime_error(std::string("a call failed: ") + name);
    taken_.emplace_back(name, time - last_);
    sum_ += time - last_;
    last_ = now();
  }
  const std::vector<std::pair<const char*, double>>& end() {
    taken_.emplace_back("all", sum_);
    return taken_;
  }

 private:
  std::vector<std::pair<const char*, double>> taken_;
  double sum_ = 0;
  double last_ = now();
};

struct column {
  std::string title;
  std::function<void(laps&)> once;
};

/// Medians of calls that are made in turn. The rows are in the order of the last column, which has each of them.
void print_table(const std::string& title, const std::vector<column>& columns) {
  constexpr int k_rounds = 4000;
  std::vector<std::vector<std::pair<std::string, std::vector<double>>>> samples(columns.size());
  for (int round = 0; round < k_rounds; ++round) {
    for (std::size_t i = 0; i < columns.size(); ++i) {
      laps watch;
      columns[i].once(watch);
      std::size_t at = 0;
      for (const auto& [name, seconds] : watch.end()) {
        if (round == 0) samples[i].push_back({name, {}});
        samples[i][at++].second.push_back(seconds);
      }
    }
  }
  std::cout << "| " << title << " |";
  for (const column& each : columns) std::cout << ' ' << each.title << " |";
  std::cout << "\n|---|";
  for (std::size_t i = 0; i < columns.size(); ++i) std::cout << "---|";
  for (const auto& [name, ignored] : samples.back()) {
    std::cout << "\n| " << name << " |";
    for (auto& of_column : samples) {
      const auto found = std::ranges::find(of_column, name, [](const auto& each) { return each.first; });
      if (found == of_column.end()) {
        std::cout << " – |";
        continue;
      }
      std::vector<double>& times = found->second;
      const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
      std::ranges::nth_element(times, middle);
      std::cout << ' ' << static_cast<int>(*middle * 1e9 + 0.5) << " |";
    }
  }
  std::cout << "\n\n" << std::flush;
}

/// A directory that is removed at the end.
class work_directory {
 public:
  explicit work_directory(const std::string& within) : path_(within + "/larder_bench-calls") {
    fs::remove_all(path_);
    fs::create_directories(path_);
  }
  ~work_directory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  work_directory(const work_directory&) = delete;
  work_directory& operator=(const work_directory&) = delete;

  const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

/// Every page of it is written.
void make_file(const std::string& path, std::size_t bytes) {
  const int fd = ::open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
  const std::vector<char> piece(std::size_t{4} << 20, 'x');
  bool good = fd >= 0;
  for (std::size_t done = 0; good && done < bytes;) {
    const ssize_t n = ::write(fd, piece.data(), std::min(piece.size(), bytes - done));
    good = n > 0;
    if (good) done += static_cast<std::size_t>(n);
  }
  if (fd >= 0) ::close(fd);
  if (!good) throw std::runtime_error(path + ": cannot be written");
}

void map_once(const std::string& path, std::size_t bytes, laps& watch) {
  std::array<char, k_page> page;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  watch.lap("open", fd >= 0);
  struct ::stat status {};
  watch.lap("fstat", ::fstat(fd, &status) == 0);
  watch.lap("pread, the first 4 KiB", ::pread(fd, page.data(), k_page, 0) > 0);
  watch.lap("pread, the last 4 KiB",
            ::pread(fd, page.data(), k_page, static_cast<off_t>(bytes - k_page)) > 0);
  void* const mapped = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd, 0);
  watch.lap("mmap", mapped != MAP_FAILED);
  keep(std::uint64_t{*static_cast<const unsigned char*>(mapped)});
  watch.lap("a look at one number", true);
  watch.lap("munmap", ::munmap(mapped, bytes) == 0);
  watch.lap("close", ::close(fd) == 0);
}

void print_mapping(const std::string& directory, std::size_t large_bytes) {
  const work_directory work(directory);
  std::vector<column> columns;
  for (const std::size_t bytes :
       {std::size_t{8192}, std::size_t{64} << 10, std::size_t{4} << 20, large_bytes}) {
    const std::string path = work.path() + "/" + std::to_string(bytes);
    make_file(path, bytes);
    columns.push_back(
        {std::to_string(bytes) + " bytes", [path, bytes](laps& watch) { map_once(path, bytes, watch); }});
  }
  print_table("a mapping in " + directory + ", ns", columns);
}

constexpr const char* k_new_file = "open a new file";
constexpr const char* k_write = "write";
constexpr const char* k_name = "give it its name";
constexpr const char* k_close = "close it";

void store_by_hand(const std::string& path, laps& watch) {
  const std::string temporary = path + ".tmp";
  const int result = 14;
  const int fd = ::open(temporary.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
  watch.lap(k_new_file, fd >= 0);
  watch.lap(k_write, ::write(fd, &result, sizeof result) == sizeof result);
  watch.lap(k_close, ::close(fd) == 0);
  watch.lap(k_name, ::rename(temporary.c_str(), path.c_str()) == 0);
}

/// What cache/cached_call.cpp comes to after another miss, by a lock file that is open.
void store_as_larder(int lock_file, const std::string& directory, const std::string& path, off_t lock_byte,
                     laps& watch) {
  const std::array<char, 512> entry{};
  std::array<char, 16> count;
  struct ::stat status {};
  watch.lap("see whether the lock file is there", ::fstat(lock_file, &status) == 0 && status.st_nlink == 1);
  struct ::flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = lock_byte;
  lock.l_len = 1;
  watch.lap("lock the key", ::fcntl(lock_file, F_OFD_SETLK, &lock) == 0);
  watch.lap("look for the entry", ::lstat(path.c_str(), &status) != 0);
  const int fd = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0444);
  watch.lap(k_new_file, fd >= 0);
  watch.lap(k_write, ::pwrite(fd, entry.data(), entry.size(), 0) == ssize_t{entry.size()});
  watch.lap("see whether bytes are counted", ::pread(lock_file, count.data(), count.size(), 0) == 0);
  watch.lap(k_name, ::linkat(fd, "", AT_FDCWD, path.c_str(), AT_EMPTY_PATH) == 0);
  watch.lap(k_close, ::close(fd) == 0);
  lock.l_type = F_UNLCK;
  watch.lap("unlock the key", ::fcntl(lock_file, F_OFD_SETLK, &lock) == 0);
}

void print_store(const std::string& within) {
  const work_directory work(within);
  const std::string by_hand = work.path() + "/by-hand/";
  const std::string cache = work.path() + "/cache";
  const std::string code = cache + "/twice/v-1/";
  fs::create_directories(by_hand);
  constexpr std::string_view k_hex = "0123456789abcdef";
  for (const char high : k_hex) {
    for (const char low : k_hex) fs::create_directories(code + high + low);
  }
  const auto hand = [&by_hand, next = 0](laps& watch) mutable {
    const std::string path = by_hand + larder::hash(next++).hex();
    watch = {};
    store_by_hand(path, watch);
  };
  const int lock_file = ::open((cache + "/.larder-lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  const auto larder = [&, next = 0](laps& watch) mutable {
    const larder::digest key = larder::hash(next++);
    const std::string digits = key.hex();
    const std::string directory = code + digits.substr(0, 2);
    const std::string path = directory + "/" + digits.substr(2);
    watch = {};
    store_as_larder(lock_file, directory, path, static_cast<off_t>(1024 + (key.low >> 2)), watch);
  };
  print_table("a miss and its store in " + within + ", ns",
              {{"by hand", hand}, {"as larder does it", larder}});
  ::close(lock_file);
}

}  // namespace

void print_calls(std::size_t large_bytes, std::span<char* const> directories) {
  const one_cpu here;
  for (const char* const directory : directories) print_mapping(directory, large_bytes);
  for (const char* const directory : directories) print_store(directory);
}

}  // namespace larder_bench
