#pragma once
// How far long work has come.
//
//   progress_bar bar("reading", entries.size());
//   for (...) bar.advance(1);

#include <chrono>
#include <cstdint>
#include <string_view>

#include "src/terminal_bar.hpp"

namespace larder::command {

/// Drawn on standard error where that is a terminal, some times per second, and taken away at the end.
class progress_bar {
 public:
  progress_bar(std::string_view label, std::uint64_t total);

  void advance(std::uint64_t by);

 private:
  void draw();

  const bool is_shown_ = detail::is_terminal();
  detail::terminal_bar bar_;
  const std::uint64_t total_;
  std::uint64_t done_ = 0;
  std::chrono::steady_clock::time_point next_{};  // the first is drawn at once
};

}  // namespace larder::command
