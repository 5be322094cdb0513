#pragma once
// Lines of a label and a text, the texts below each other.

#include <cstddef>
#include <string>
#include <string_view>

namespace larder::command {

class labelled_lines {
 public:
  explicit labelled_lines(std::size_t indent) : indent_(indent) {}

  void add(std::string_view label, std::string_view text);
  const std::string& text() const noexcept { return text_; }

 private:
  std::size_t indent_;
  std::string text_;
};

}  // namespace larder::command
