#include "tools/benchmarks/floor.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "tools/benchmarks/bench.hpp"

namespace larder_bench::floor {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

class open_file {
 public:
  open_file(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0644)) {
    if (fd_ < 0) fail(path);
  }
  ~open_file() { ::close(fd_); }
  open_file(const open_file&) = delete;
  open_file& operator=(const open_file&) = delete;
  int fd() const noexcept { return fd_; }

 private:
  int fd_;
};

}  // namespace

void write_new_file(const std::string& path, std::span<const std::byte> bytes, space space) {
  write_new_file(path, std::span(&bytes, 1), space);
}

void write_new_file(const std::string& path, std::span<const std::span<const std::byte>> pieces,
                    space space) {
  const open_file file(path, O_CREAT | O_EXCL | O_WRONLY);
  std::size_t all = 0;
  for (const auto& each : pieces) all += each.size();
  if (space == space::first && ::fallocate(file.fd(), 0, 0, static_cast<off_t>(all)) != 0) fail(path);
  for (std::span<const std::byte> bytes : pieces) {
    while (!bytes.empty()) {
      const ssize_t n = ::write(file.fd(), bytes.data(), std::min(bytes.size(), std::size_t{1} << 30));
      if (n <= 0) fail(path);
      bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
  }
}

void fill_new_file(const std::string& path, std::size_t bytes, const std::function<void(std::byte*)>& fill) {
  const open_file file(path, O_CREAT | O_EXCL | O_RDWR);
  if (::ftruncate(file.fd(), static_cast<off_t>(bytes)) != 0) fail(path);
  void* const mapped = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.fd(), 0);
  if (mapped == MAP_FAILED) fail(path);
  fill(static_cast<std::byte*>(mapped));
  ::munmap(mapped, bytes);
}

void read_into_huge_pages(const std::string& path, std::size_t bytes) {
  constexpr std::size_t k_huge = std::size_t{2} << 20;
  const open_file file(path, O_RDONLY);
  void* const mapped =
      ::mmap(nullptr, bytes + k_huge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) fail("mmap");
  const auto address = reinterpret_cast<std::uintptr_t>(mapped);
  char* const data = static_cast<char*>(mapped) + (k_huge - address % k_huge) % k_huge;
  ::madvise(data, bytes, MADV_HUGEPAGE);
  const std::size_t half = bytes / 2 / k_huge * k_huge;
  bool whole[2] = {false, false};
  on_two_threads([&](int i) {
    std::size_t at = i == 0 ? 0 : half;
    const std::size_t end = i == 0 ? half : bytes;
    while (at < end) {
      const ssize_t n = ::pread(file.fd(), data + at, end - at, static_cast<off_t>(at));
      if (n <= 0) return;
      at += static_cast<std::size_t>(n);
    }
    whole[i] = true;
  });
  ::munmap(mapped, bytes + k_huge);
  if (!whole[0] || !whole[1]) throw std::runtime_error(path + ": could not be read");
}

void map_and_touch(const std::string& path) {
  const open_file file(path, O_RDONLY);
  struct ::stat status {};
  if (::fstat(file.fd(), &status) != 0) fail(path);
  const auto bytes = static_cast<std::size_t>(status.st_size);
  void* const mapped = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, file.fd(), 0);
  if (mapped == MAP_FAILED) fail(path);
  keep(std::uint64_t{*static_cast<const unsigned char*>(mapped)});
  ::munmap(mapped, bytes);
}

std::string number_path(const std::string& directory, int argument) {
  const XXH128_hash_t key = XXH3_128bits(&argument, sizeof argument);
  std::array<char, 33> digits{};
  std::snprintf(digits.data(), digits.size(), "%016llx%016llx", static_cast<unsigned long long>(key.high64),
                static_cast<unsigned long long>(key.low64));
  return directory + "/" + digits.data();
}

void store_number(const std::string& directory, int argument, int result) {
  const std::string path = number_path(directory, argument);
  const std::string temporary = path + ".tmp";
  {
    const open_file file(temporary, O_WRONLY | O_CREAT | O_EXCL);
    if (::write(file.fd(), &result, sizeof result) != sizeof result) fail(path);
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) fail(path);
}

int load_number(const std::string& directory, int argument) {
  const std::string path = number_path(directory, argument);
  const open_file file(path, O_RDONLY);
  int result = 0;
  if (::read(file.fd(), &result, sizeof result) != sizeof result) fail(path);
  return result;
}

small_files::small_files(const std::string& directory) : directory_(directory) {
  std::filesystem::create_directory(directory_);
  fd_ = ::open(directory_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd_ < 0) fail(directory_);
}

small_files::~small_files() {
  ::close(fd_);
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void small_files::replace(const std::string& name, std::span<const std::byte> bytes) {
  const std::string temporary = "." + name;
  const int file = ::openat(fd_, temporary.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
  const bool good = file >= 0 && ::write(file, bytes.data(), bytes.size()) == std::ssize(bytes) &&
                    ::renameat(fd_, temporary.c_str(), fd_, name.c_str()) == 0;
  if (!good) fail(name);
  ::close(file);
}

void small_files::add(const std::string& name, std::span<const std::byte> bytes) {
  const int file = ::openat(fd_, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0444);
  const auto link = [&] {
    if (::linkat(file, "", fd_, name.c_str(), AT_EMPTY_PATH) == 0) return true;  // from Linux 6.10 on
    const std::string opened = "/proc/self/fd/" + std::to_string(file);
    return ::linkat(AT_FDCWD, opened.c_str(), fd_, name.c_str(), AT_SYMLINK_FOLLOW) == 0;
  };
  const bool good = file >= 0 && ::write(file, bytes.data(), bytes.size()) == std::ssize(bytes) && link();
  if (!good) fail(name);
  ::close(file);
}

std::uint64_t read_file(const std::string& path) {
  std::array<unsigned char, 4096> bytes;
  const open_file file(path, O_RDONLY);
  if (::read(file.fd(), bytes.data(), bytes.size()) <= 0) fail(path);
  return bytes[0];
}

void on_two_threads(const std::function<void(int)>& body) {
  std::thread other([&] { body(1); });
  body(0);
  other.join();
}

std::uint64_t sum(std::span<const std::byte> bytes) noexcept {
  std::uint64_t parts[8] = {};
  const std::size_t whole = bytes.size() / sizeof parts;
  for (std::size_t i = 0; i < whole; ++i) {
    std::uint64_t words[8];
    std::memcpy(words, bytes.data() + i * sizeof words, sizeof words);
    for (std::size_t j = 0; j < 8; ++j) parts[j] += words[j];
  }
  std::uint64_t all = 0;
  for (const std::uint64_t part : parts) all += part;
  return all;
}

}  // namespace larder_bench::floor
