#pragma once
// The least that has to be done: bare system calls and loops, against which larder is measured.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

namespace larder_bench::floor {

/// Whether the file's space is asked for before it is written to: faster on some file systems, slower on others.
enum class space { as_written, first };

/// A new file with these bytes, by one write() after the other; it has a name at the end.
void write_new_file(const std::string& path, std::span<const std::byte> bytes, space space);
/// The same of pieces that lie in several places.
void write_new_file(const std::string& path, std::span<const std::span<const std::byte>> pieces, space space);

/// A new file of this size that is mapped and handed to `fill`: ftruncate, mmap, munmap.
void fill_new_file(const std::string& path, std::size_t bytes, const std::function<void(std::byte*)>& fill);

/// The file's first `bytes` into new memory of huge pages, by two threads.
void read_into_huge_pages(const std::string& path, std::size_t bytes);

/// open, fstat, mmap, a look at one byte, munmap, close.
void map_and_touch(const std::string& path);

/// A file of `directory` whose name is the hash of the argument.
std::string number_path(const std::string& directory, int argument);

/// A result by hand: that file, written under another name first.
void store_number(const std::string& directory, int argument, int result);
/// The same, looked up.
int load_number(const std::string& directory, int argument);

/// Small files in a directory that stays open, each published whole.
class small_files {
 public:
  /// A new directory.
  explicit small_files(const std::string& directory);
  ~small_files();
  small_files(const small_files&) = delete;
  small_files& operator=(const small_files&) = delete;

  /// In place of the one of this name: a temporary name, write, rename.
  void replace(const std::string& name, std::span<const std::byte> bytes);
  /// Under a new name: a file without one, write, link.
  void add(const std::string& name, std::span<const std::byte> bytes);

 private:
  std::string directory_;
  int fd_;
};

/// open, read, close of a small file; its first byte.
std::uint64_t read_file(const std::string& path);

/// Calls body(0) here and body(1) on another thread.
void on_two_threads(const std::function<void(int)>& body);

/// Reads every byte.
std::uint64_t sum(std::span<const std::byte> bytes) noexcept;

}  // namespace larder_bench::floor
