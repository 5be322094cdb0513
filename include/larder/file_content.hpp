#pragma once
// A file as an argument of cached functions and of hash(): keyed by what is in it, wherever it lies.
//
//   double mean(const larder::file_content& table);       // opens table.path()
//   auto cached = mem.cache("mean", mean, {.version = "1"});
//   cached(larder::file_content("in.csv"));

#include <filesystem>
#include <utility>

namespace larder {

class hasher;

/// Holds the path and nothing else; a value. Neither the name nor the times of the file stand in the hash, so a copy of it
/// is the same, and so is a file that was touched and not changed.
///
/// The file is read when it is hashed, at each call of a cached function, with several threads where it is large. io_error
/// if it cannot be opened or read, if it is no regular file (a directory, say), and where its size is not that of what is
/// in it (as in /proc). It has to stay as it is from then until the function has read it.
///
/// The digest is remembered in this process for as long as device, inode, size, and the times of the last change of content
/// and of status are the same, if these were at least two seconds old; so a change is seen however soon it comes and
/// whatever becomes of the modification time. (Writes through another program's shared mapping are seen once the system
/// has noted them in these times, which may be half a minute later.) Thread-safe.
class file_content {
 public:
  explicit file_content(std::filesystem::path path) noexcept : path_(std::move(path)) {}

  /// As it was given: a relative one is looked up from the working directory of the moment.
  const std::filesystem::path& path() const noexcept { return path_; }

 private:
  friend void hash_append(hasher& h, const file_content& file);

  std::filesystem::path path_;
};

}  // namespace larder
