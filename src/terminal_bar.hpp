#pragma once
// A line at the bottom of a terminal that says how far something is.
//
//   terminal_bar bar("reading");
//   bar.draw(0.25, " 25 %");   // reading [##########..............................]  25 %

#include <cstddef>
#include <string>
#include <string_view>

namespace larder::detail {

/// Whether standard error is one.
bool is_terminal() noexcept;

/// On standard error, from the first draw to the destructor, which takes it away. One thread at a time. Fits into the
/// terminal's width, as it is at the time.
class terminal_bar {
 public:
  /// Characters in the label that would steer the terminal are shown as ?.
  explicit terminal_bar(std::string_view label);
  ~terminal_bar();
  terminal_bar(const terminal_bar&) = delete;
  terminal_bar& operator=(const terminal_bar&) = delete;

  /// `part` of the bar is full, 0 to 1; without a bar where it is negative: how much there is to do is not known.
  void draw(double part, std::string_view words);

 private:
  std::string label_;
  std::size_t drawn_ = 0;  // columns
};

}  // namespace larder::detail
