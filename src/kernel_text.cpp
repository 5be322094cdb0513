#include "src/kernel_text.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

#include "src/descriptor.hpp"

namespace larder::detail {

std::string kernel_text(const std::string& path) {
  constexpr std::size_t k_step = 4096;
  constexpr std::size_t k_most = std::size_t{16} << 20;  // a list of mounts may be long
  const int fd = open_at_leaving_spares(AT_FDCWD, path, O_RDONLY, 0);
  if (fd < 0) return {};
  const descriptor owner(fd, path);
  std::string content;
  std::size_t length = 0;
  while (length < k_most) {
    content.resize(length + k_step);
    const ssize_t got = ::read(fd, content.data() + length, k_step);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return {};
    if (got == 0) break;
    length += static_cast<std::size_t>(got);
  }
  content.resize(length);
  return content;
}

}  // namespace larder::detail
