#include "tools/larder/text_table.hpp"

#include <algorithm>
#include <string_view>

namespace larder::command {
namespace {

/// Columns on a terminal: a character per byte that does not continue one.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

std::string text_table::text() const {
  std::vector<std::size_t> widths(rows_.front().size());
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  std::string text;
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string blanks(widths[i] - width(row[i]), ' ');
      text += i == 0 ? "" : "  ";
      text += i < left_ ? row[i] + blanks : blanks + row[i];
    }
    text += '\n';
  }
  return text;
}

}  // namespace larder::command
