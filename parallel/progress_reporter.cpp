#include "parallel/progress_reporter.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <string>
#include <string_view>

#include "src/log.hpp"

namespace larder::detail {
namespace {

using duration = std::chrono::steady_clock::duration;

constexpr duration k_between_calls = std::chrono::milliseconds(100);
constexpr duration k_between_draws = std::chrono::milliseconds(50);
constexpr duration k_first_line = std::chrono::seconds(1);

/// Until the next line: the longer a call takes, the rarer they are, so that a day's work has some fifty.
duration line_interval(duration elapsed) { return std::max(k_first_line, elapsed / 4); }

double seconds(duration time) { return std::chrono::duration<double>(time).count(); }

/// Negative where that cannot be said.
double seconds_left(std::size_t done, std::size_t total, duration elapsed) {
  if (done == 0 || total == 0) return -1;
  return done >= total ? 0
                       : seconds(elapsed) * (static_cast<double>(total - done) / static_cast<double>(done));
}

/// With so many digits behind the point, whatever the locale.
std::string number(double value, int digits) {
  constexpr double k_most = 1e15;
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), std::min(value, k_most),
                                 std::chars_format::fixed, digits)
                       .ptr;
  return {text.data(), end};
}

std::string line(std::size_t done, std::size_t total, duration elapsed, bool is_over) {
  std::string text = std::to_string(done);
  if (total != 0) text += " of " + std::to_string(total);
  text += " tasks done";
  if (is_over) return text + " in " + number(seconds(elapsed), 1) + " s";
  text += ", " + number(seconds(elapsed), 1) + " s elapsed";
  const double left = seconds_left(done, total, elapsed);
  if (left >= 0) text += ", about " + number(left, 1) + " s left";
  return text;
}

void put_line(const std::string& label, const std::string& text) {
  const std::string all = (label.empty() ? "larder: parallel" : label) + ": " + text + '\n';
  std::fwrite(all.data(), 1, all.size(), stderr);  // at once: lines of several processes do not mix
}

}  // namespace

bool is_watched(const parallel_settings& settings) noexcept {
  return settings.progress.is_told() || settings.progress.is_shown() || settings.verbose != 0;
}

progress_reporter::progress_reporter(const parallel_settings& settings, std::size_t total)
    : settings_(settings),
      total_(total),
      told_(settings.progress.is_told()),
      shown_(settings.progress.is_shown()),
      log_per_(settings.verbose) {
  if (!is_on()) return;
  start_ = clock::now();
  if (shown_ && is_terminal()) bar_.emplace(settings.progress.label());
  if (told_) next_told_ = start_ + k_between_calls;
  if (shown_) next_shown_ = start_ + (bar_ ? k_between_draws : k_first_line);
  if (log_per_ != 0) next_logged_ = start_ + k_first_line / log_per_;
  next_ = std::min({next_told_, next_shown_, next_logged_});
}

void progress_reporter::report(std::size_t done) {
  if (!is_on()) return;
  const auto now = clock::now();
  if (now < next_) return;
  const auto elapsed = now - start_;
  if (now >= next_shown_) {
    if (bar_) {
      draw(done, elapsed);
    } else {
      put_line(settings_.progress.label(), line(done, total_, elapsed, false));
    }
    next_shown_ = now + (bar_ ? k_between_draws : line_interval(elapsed));
  }
  if (now >= next_logged_) {
    log(log_level::info, "parallel: " + line(done, total_, elapsed, false));
    next_logged_ = now + line_interval(elapsed) / log_per_;
  }
  if (now >= next_told_) {
    settings_.progress.call()(done, total_, seconds_left(done, total_, elapsed));
    next_told_ = clock::now() + k_between_calls;  // also where it took long itself
  }
  next_ = std::min({next_told_, next_shown_, next_logged_});
}

void progress_reporter::finish(std::size_t done) {
  if (!is_on()) return;
  const auto elapsed = clock::now() - start_;
  if (bar_) {
    bar_.reset();
  } else if (shown_) {
    put_line(settings_.progress.label(), line(done, total_, elapsed, true));
  }
  if (log_per_ != 0) log(log_level::info, "parallel: " + line(done, total_, elapsed, true));
  if (told_)
    settings_.progress.call()(done, total_, done == total_ ? 0 : seconds_left(done, total_, elapsed));
}

void progress_reporter::draw(std::size_t done, duration elapsed) {
  if (total_ == 0) {
    bar_->draw(-1, std::to_string(done) + " tasks, " + number(seconds(elapsed), 0) + " s");
    return;
  }
  const double part = std::min(1.0, static_cast<double>(done) / static_cast<double>(total_));
  std::string words = number(100 * part, 0);
  words.insert(0, 3 - std::min<std::size_t>(3, words.size()), ' ');
  words += " %";
  const double left = seconds_left(done, total_, elapsed);
  if (left >= 0) words += ", " + number(left, 0) + " s left";
  bar_->draw(part, words);
}

}  // namespace larder::detail
