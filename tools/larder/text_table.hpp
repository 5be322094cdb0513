#pragma once
// Rows of cells, the columns below each other.

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace larder::command {

class text_table {
 public:
  /// The first `left` columns are aligned left (names), the others right (numbers).
  text_table(std::size_t left, std::vector<std::string> heads) : left_(left), rows_{std::move(heads)} {}

  /// As many cells as there are heads; UTF-8.
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

  /// A line per row, the heads first.
  std::string text() const;

 private:
  std::size_t left_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace larder::command
