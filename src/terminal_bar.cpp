#include "src/terminal_bar.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace larder::detail {
namespace {

constexpr std::size_t k_longest = 40;

/// One column of the terminal stays free: many wrap when the last one is written to.
std::size_t usable_columns() noexcept {
  winsize size{};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return (known ? size.ws_col : 80U) - 1;
}

void put(const std::string& text) noexcept {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

}  // namespace

bool is_terminal() noexcept { return ::isatty(STDERR_FILENO) == 1; }

terminal_bar::terminal_bar(std::string_view label) : label_(label) {
  std::ranges::replace_if(
      label_, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  if (!label_.empty()) label_ += ' ';
}

terminal_bar::~terminal_bar() {
  if (drawn_ != 0) put('\r' + std::string(std::min(drawn_, usable_columns()), ' ') + '\r');
}

void terminal_bar::draw(double part, std::string_view words) {
  const std::size_t columns = usable_columns();
  std::string line = label_;
  const std::size_t taken = line.size() + words.size() + 3;  // with [ ] and a blank
  if (part >= 0 && columns > taken) {
    const std::size_t width = std::min(columns - taken, k_longest);
    const auto full = std::min(static_cast<std::size_t>(part * static_cast<double>(width)), width);
    line += '[' + std::string(full, '#') + std::string(width - full, '.') + "] ";
  }
  line += words;
  line.resize(std::min(line.size(), columns));
  const std::size_t covered = std::max(line.size(), std::min(drawn_, columns));
  drawn_ = line.size();
  put('\r' + line + std::string(covered - line.size(), ' '));
}

}  // namespace larder::detail
