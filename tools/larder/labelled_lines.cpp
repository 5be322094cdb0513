#include "tools/larder/labelled_lines.hpp"

#include <algorithm>

namespace larder::command {

void labelled_lines::add(std::string_view label, std::string_view text) {
  constexpr std::size_t k_label_width = 10;
  text_.append(indent_, ' ').append(label);
  text_.append(k_label_width - std::min(k_label_width - 1, label.size()), ' ').append(text) += '\n';
}

}  // namespace larder::command
