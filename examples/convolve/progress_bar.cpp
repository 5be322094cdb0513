#include "examples/convolve/progress_bar.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string_view>

#include "examples/convolve/number_text.hpp"

namespace convolve {

namespace {

constexpr auto k_between_draws = std::chrono::milliseconds(50);

/// Of the terminal on stderr, now: it may have been resized.
std::size_t terminal_columns() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

void put(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

}  // namespace

progress_bar::progress_bar(double resolution, std::size_t total)
    : is_shown_(isatty(STDERR_FILENO) == 1),
      label_("R = " + number_text(resolution)),
      total_(total),
      start_(std::chrono::steady_clock::now()),
      next_(start_ + k_between_draws) {}

progress_bar::~progress_bar() { erase(); }

void progress_bar::look_at_clock() {
  const std::unique_lock lock(drawing_, std::try_to_lock);
  if (!lock) return;  // another thread is drawing
  const auto now = std::chrono::steady_clock::now();
  if (now < next_) return;
  next_ = now + k_between_draws;
  draw(now - start_);
}

void progress_bar::draw(std::chrono::steady_clock::duration elapsed) {
  const double part =
      static_cast<double>(done_.load(std::memory_order_relaxed)) / static_cast<double>(total_);
  const double left = std::chrono::duration<double>(elapsed).count() * (1 - part) / part;
  char numbers[64];
  std::snprintf(numbers, sizeof numbers, "%3.0f %%, %.0f s left", 100 * part, left);

  // One column stays free: many terminals wrap when the last one is written to.
  const std::size_t columns = terminal_columns() - 1;
  std::string line = label_ + " ";
  const std::size_t taken = line.size() + std::string_view(numbers).size() + 3;  // with [ ] and a blank
  if (columns > taken) {
    const std::size_t width = std::min<std::size_t>(columns - taken, 40);
    const auto full = std::min(static_cast<std::size_t>(part * static_cast<double>(width)), width);
    line += '[' + std::string(full, '#') + std::string(width - full, '.') + "] ";
  }
  line += numbers;
  line.resize(std::min(line.size(), columns));

  const std::size_t covered = std::max(line.size(), std::min(drawn_, columns));
  drawn_ = line.size();
  put('\r' + line + std::string(covered - line.size(), ' '));
}

void progress_bar::erase() {
  if (drawn_ == 0) return;
  put('\r' + std::string(std::min(drawn_, terminal_columns() - 1), ' ') + '\r');
  drawn_ = 0;
}

}  // namespace convolve
