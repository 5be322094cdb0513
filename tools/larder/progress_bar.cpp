#include "tools/larder/progress_bar.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>
#include <utility>

#include <sys/ioctl.h>
#include <unistd.h>

namespace larder::command {
namespace {

constexpr auto k_between_draws = std::chrono::milliseconds(100);
constexpr std::string_view k_erase_line = "\r\x1b[K";

/// Of the terminal on standard error, now: it may have been resized.
std::size_t terminal_columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

void put(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); }

}  // namespace

progress_bar::progress_bar(std::string label, std::uint64_t total)
    : is_shown_(::isatty(STDERR_FILENO) == 1), label_(std::move(label)), total_(total) {}

progress_bar::~progress_bar() {
  if (is_shown_ && done_ != 0) put(k_erase_line);
}

void progress_bar::advance(std::uint64_t by) {
  done_ += by;
  if (!is_shown_) return;
  const auto now = std::chrono::steady_clock::now();
  if (now < next_) return;
  next_ = now + k_between_draws;
  draw();
}

void progress_bar::draw() const {
  const double part =
      total_ == 0 ? 1 : std::min(1.0, static_cast<double>(done_) / static_cast<double>(total_));
  std::array<char, 16> percent{};
  std::snprintf(percent.data(), percent.size(), "%3.0f %%", 100 * part);
  const std::size_t others =
      label_.size() + std::string_view(percent.data()).size() + 5;  // [, ], blanks, a free column
  const std::size_t columns = terminal_columns();
  const std::size_t length = std::min<std::size_t>(40, columns > others ? columns - others : 0);
  const auto full = static_cast<std::size_t>(part * static_cast<double>(length));
  put(std::string(k_erase_line) + label_ + " [" + std::string(full, '#') + std::string(length - full, '.') +
      "] " + percent.data());
}

}  // namespace larder::command
