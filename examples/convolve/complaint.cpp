#include "examples/convolve/complaint.hpp"

#include <algorithm>
#include <cstdio>

namespace convolve {

std::string printable(std::string_view text) {
  std::string shown(text);
  std::ranges::replace_if(
      shown, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  return shown;
}

void complain(std::string_view text) {
  const std::string line = "convolve: " + printable(text) + '\n';
  std::fwrite(line.data(), 1, line.size(), stderr);  // at once: lines of several processes do not mix
}

}  // namespace convolve
