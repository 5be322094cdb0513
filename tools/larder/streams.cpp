#include "tools/larder/streams.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include <fcntl.h>

namespace larder::command {

void keep_streams_apart() noexcept {
  for (int fd = 0; fd <= 2; ++fd) {
    // The lowest number that is free is the one that is taken.
    if (::fcntl(fd, F_GETFD) == -1 && ::open("/dev/null", O_RDONLY) == -1) return;
  }
}

void print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) throw output_lost{errno};
}

void flush_output() {
  // A write that failed earlier left its mark, even if what came after it went through.
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) throw output_lost{errno};
}

void complain(std::string_view text) noexcept try {
  std::fflush(stdout);
  const std::string line = "larder: " + printable(text) + '\n';
  std::fwrite(line.data(), 1, line.size(), stderr);  // in one piece: lines of several processes do not mix
} catch (...) {                                      // no memory for the line
  std::fputs("larder: not enough memory\n", stderr);
}

std::string printable(std::string_view text) {
  std::string shown(text);
  std::ranges::replace_if(
      shown, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  return shown;
}

}  // namespace larder::command
