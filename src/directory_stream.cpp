#include "src/directory_stream.hpp"

#include <cerrno>
#include <string_view>
#include <utility>

#include <fcntl.h>

#include <larder/error.hpp>

namespace larder::detail {

directory_stream::directory_stream(std::string path)
    : path_(std::move(path)), stream_(::opendir(path_.c_str())) {
  const bool absent = errno == ENOENT || errno == ENOTDIR || errno == ELOOP;
  if (!stream_ && !absent) throw io_error(path_, "cannot list", errno);
}

const char* directory_stream::next() {
  while (stream_) {
    errno = 0;
    const dirent* const found = ::readdir(stream_.get());
    if (found == nullptr) {
      // ENOENT: the directory itself was removed meanwhile.
      if (errno != 0 && errno != ENOENT) throw io_error(path_, "cannot list", errno);
      break;
    }
    const std::string_view name = found->d_name;
    if (name != "." && name != "..") return name_ = found->d_name;
  }
  return nullptr;
}

bool directory_stream::stat(struct ::stat& status) const {
  if (::fstatat(::dirfd(stream_.get()), name_, &status, AT_SYMLINK_NOFOLLOW) == 0) return true;
  if (errno != ENOENT) throw io_error(path_ + "/" + name_, "cannot look at", errno);
  return false;
}

}  // namespace larder::detail
