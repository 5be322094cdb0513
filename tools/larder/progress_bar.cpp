#include "tools/larder/progress_bar.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace larder::command {
namespace {

constexpr auto k_between_draws = std::chrono::milliseconds(100);

}  // namespace

progress_bar::progress_bar(std::string_view label, std::uint64_t total) : bar_(label), total_(total) {}

void progress_bar::advance(std::uint64_t by) {
  done_ += by;
  if (!is_shown_) return;
  const auto now = std::chrono::steady_clock::now();
  if (now < next_) return;
  next_ = now + k_between_draws;
  draw();
}

void progress_bar::draw() {
  const double part =
      total_ == 0 ? 1 : std::min(1.0, static_cast<double>(done_) / static_cast<double>(total_));
  std::array<char, 16> percent{};
  std::snprintf(percent.data(), percent.size(), "%3.0f %%", 100 * part);
  bar_.draw(part, percent.data());
}

}  // namespace larder::command
