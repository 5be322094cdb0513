#pragma once
// The names in a directory, one after the other.
//
//   directory_stream directory(path);
//   while (const char* name = directory.next()) ...

#include <memory>
#include <string>

#include <dirent.h>
#include <sys/stat.h>

namespace larder::detail {

/// None where there is no directory at the path. Names that come or go meanwhile may be missed, or be no more.
/// io_error. Move-only.
class directory_stream {
 public:
  explicit directory_stream(std::string path);

  const std::string& path() const noexcept { return path_; }

  /// Without "." and ".."; valid until the next call. Null at the end.
  const char* next();

  /// What the last name stands for, symbolic links not followed. False where it is no more.
  bool stat(struct ::stat& status) const;

 private:
  struct closer {
    void operator()(DIR* stream) const noexcept { ::closedir(stream); }
  };
  std::string path_;
  std::unique_ptr<DIR, closer> stream_;  // null where there is no directory
  const char* name_ = nullptr;
};

}  // namespace larder::detail
