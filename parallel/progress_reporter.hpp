#pragma once
// What a call says of how far it is: a bar, lines, a function of the program's, or messages in the log.
//
//   progress_reporter progress(settings, count);
//   while (...) progress.report(done);
//   progress.finish(done);

#include <chrono>
#include <cstddef>
#include <optional>

#include <larder/detail/parallel_settings.hpp>

#include "src/terminal_bar.hpp"

namespace larder::detail {

/// Whether calls with these settings say how far they are.
bool is_watched(const parallel_settings& settings) noexcept;

/// Begins with the call. One thread at a time. The settings live as long.
class progress_reporter {
 public:
  /// `total` tasks; 0 where that is not known.
  progress_reporter(const parallel_settings& settings, std::size_t total);
  /// Takes a bar away.
  ~progress_reporter() = default;
  progress_reporter(const progress_reporter&) = delete;
  progress_reporter& operator=(const progress_reporter&) = delete;

  /// Whether there is anything to be told to it.
  bool is_on() const noexcept { return is_watched(settings_); }
  /// So many tasks are done. May be called as often as one likes: it looks at the clock, and mostly that is all. What a function of
  /// the program's throws passes through.
  void report(std::size_t done);
  /// The call is over, with so many tasks done. A function of the program's and the log are told in any case, so that they have
  /// heard the last of it.
  void finish(std::size_t done);

 private:
  using clock = std::chrono::steady_clock;

  void draw(std::size_t done, clock::duration elapsed);

  const parallel_settings& settings_;
  const std::size_t total_;
  const bool told_;
  const bool shown_;                 // by a bar or by lines
  const int log_per_;                // 0: no log; else the more, the more often
  std::optional<terminal_bar> bar_;  // where standard error is a terminal
  clock::time_point start_;
  // When each of them has its turn again, those that are off never, and the first of these times.
  clock::time_point next_told_ = clock::time_point::max();
  clock::time_point next_shown_ = clock::time_point::max();
  clock::time_point next_logged_ = clock::time_point::max();
  clock::time_point next_ = clock::time_point::max();
};

}  // namespace larder::detail
