#pragma once
// A file that appears at its path whole, at once, or not at all.
//
//   atomic_file file("out.npy", 0666);
//   file.file().write(bytes);
//   file.commit(false, existing::replace);   // without it, nothing was ever there

#include <cstdint>
#include <string>

#include "src/descriptor.hpp"

namespace larder::detail {

enum class existing {
  replace,  ///< what is at the path is replaced; its mappings stay valid
  keep,     ///< what is at the path stays, and this file is dropped
};

/// The file has no name until commit, so that a crash leaves nothing; on file systems that cannot do that it has a
/// name of its own in the target's directory (".NAME.larder-…"), which the destructor removes. Move-only.
class atomic_file {
 public:
  /// Opens a new file for reading and writing in the directory of `path`; a symbolic link at `path` is followed.
  /// Its permissions are those of a file that is there already, else `mode` less the umask.
  /// io_error where that fails, and where `path` is there and is not a regular file.
  atomic_file(const std::string& path, mode_t mode);
  atomic_file(atomic_file&&) noexcept;
  atomic_file& operator=(atomic_file&&) = delete;
  ~atomic_file();

  /// What to write to. Its messages name the path that will be.
  const descriptor& file() const noexcept { return file_; }

  /// Makes sure that the first `bytes` have their space on the device: a full disk shows here. Slow on file systems
  /// that can only do it by writing.
  void reserve(std::uint64_t bytes) const;
  /// The same as a mere hint, where the system does it quickly.
  void reserve_if_quick(std::uint64_t bytes) const;

  /// Publishes the file. With `durable`, it and its name are on the medium on return. Called once.
  void commit(bool durable, existing at_path);

 private:
  void open(const std::string& path, mode_t mode);

  std::string target_;  // with symbolic links followed
  std::string named_;   // the temporary name, if there is one
  descriptor file_;
};

}  // namespace larder::detail
