#pragma once
// A file that appears at its path whole, at once, or not at all.
//
//   atomic_file file("out.npy", 0666);
//   file.file().write(bytes);
//   file.commit(false);   // without it, nothing was ever there

#include <cstdint>
#include <string>
#include <string_view>

#include <fcntl.h>

#include "src/descriptor.hpp"

namespace larder::detail {

enum class existing {
  replace,    ///< what is at the path is replaced; its mappings stay valid
  supersede,  ///< the same with whatever is there, but a directory: a symbolic link itself, and the file has its own permissions
  keep,       ///< what is at the path stays, and this file is dropped
};

enum class named {
  late,  ///< for as short as possible
  early,  ///< from the start: of a small file that is likely to replace another one, this saves a quarter of the time
};

/// Where a new file goes.
struct new_file {
  std::string path;
  /// For those who keep the directory open, which is quicker: `path` lies in it, and the file goes there, wherever that directory is by
  /// now. Not for existing::replace. AT_FDCWD for others.
  int directory = AT_FDCWD;
};

/// The file has no name until commit, so that a crash leaves nothing. Three cases need a temporary name in the target's
/// directory (".NAME.larder-…"), which stays if the process is killed at that moment: a file that replaces another,
/// while it is renamed; and, as long as it is written, one that asks for it (named::early), and every one on file systems
/// that have no nameless ones. Move-only.
class atomic_file {
 public:
  /// Opens a new file for reading and writing in the directory of `path`. If it is to replace what is there: a symbolic
  /// link at `path` is followed, and its permissions are those of a file that is there already. Otherwise they are `mode`
  /// less the umask. io_error where that fails, and where what is to be replaced is not a regular file.
  atomic_file(const std::string& path, mode_t mode, existing at_path = existing::replace)
      : atomic_file(new_file{path}, mode, at_path) {}
  atomic_file(const new_file& place, mode_t mode, existing at_path, named when = named::late);
  atomic_file(atomic_file&&) noexcept;
  atomic_file& operator=(atomic_file&&) = delete;
  ~atomic_file();

  /// What to write to. Its messages name the path that will be.
  const descriptor& file() const noexcept { return file_; }

  /// Whether a file's name is a temporary one of this class: of a process at work, or of one that was killed.
  static bool is_temporary(std::string_view name) noexcept;

  /// For those who commit while others wait: the file on the medium before, and its name after.
  void sync() const { file_.sync(); }
  void sync_name() const;

  /// Publishes the file. With `durable`, it and its name are on the medium on return. io_error; then it may be
  /// called again (the directory was missing, say). Called once otherwise. ENOENT, too, where somebody removed the
  /// temporary name: then the file is lost.
  void commit(bool durable);

 private:
  void open(mode_t mode, named when);
  /// As open(2).
  int open_named(mode_t mode);
  /// 0 or an errno.
  int link_to(const std::string& name) const noexcept;
  void publish_new();
  void publish_over();
  [[noreturn]] void refuse_name(int fault) const;

  int directory_;       // what target_ and named_ are relative to
  std::string target_;  // with symbolic links followed
  existing at_path_;
  std::string named_;  // the temporary name, if there is one
  descriptor file_;
};

}  // namespace larder::detail
