#include "tools/larder/file_text.hpp"

#include <algorithm>
#include <string_view>

#include "tools/larder/file_json.hpp"
#include "tools/larder/quantity.hpp"
#include "tools/larder/streams.hpp"

namespace larder::command {
namespace {

/// Lines of a label and a text, the texts below each other.
class block {
 public:
  explicit block(std::size_t indent) : indent_(indent) {}

  void line(std::string_view label, const std::string& text) {
    constexpr std::size_t k_label_width = 10;
    lines_ += std::string(indent_, ' ') + std::string(label);
    lines_ += std::string(k_label_width - std::min(k_label_width - 1, label.size()), ' ') + text + '\n';
  }
  const std::string& lines() const noexcept { return lines_; }

 private:
  std::size_t indent_;
  std::string lines_;
};

std::string elements_text(const array_info& array) {
  std::string text(name(array.dtype));
  if (item_size(array.dtype) > 1) text += array.foreign_byte_order ? ", big-endian" : ", little-endian";
  return text;
}

std::string digest_text(const segment_info& segment, file_state state) {
  if (state == file_state::plain) return "none: a plain .npy has no digest";
  if (!segment.digest) return "none: sealed without one";
  const bool is_void =
      state == file_state::dirty && segment.kind == segment_kind::array && !segment.compressed;
  return segment.digest->hex() + (is_void ? " (void: of the data before they were written to)" : "");
}

std::string segment_text(const segment_info& segment, std::size_t number, file_state state) {
  block lines(4);
  if (segment.array) {
    lines.line("elements", elements_text(*segment.array));
    lines.line("shape", shape_text(segment.array->shape) +
                            (segment.array->fortran_order ? ", column-major (Fortran)" : ", row-major (C)"));
    std::string data = bytes_text(segment.array->data_bytes);
    if (!segment.compressed) data += " at offset " + std::to_string(segment.array->data_offset);
    lines.line("data", data);
  }
  std::string stored = bytes_text(segment.stored_bytes) + " at offset " + std::to_string(segment.offset);
  if (segment.compressed) {
    stored += ", compressed: " + percent_text(segment.stored_bytes, segment.raw_bytes) + " of " +
              bytes_text(segment.raw_bytes);
  }
  lines.line("stored", stored);
  lines.line("digest", digest_text(segment, state));
  return "  segment " + std::to_string(number) + ": " + std::string(name(segment.kind)) + '\n' +
         lines.lines();
}

/// Indented by four.
std::string metadata_text(const std::string& metadata) {
  std::string text =
      metadata_json(metadata).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
  std::string indented;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at) + 1;
    indented.append("    ").append(text, at, end - at);
    at = end;
  }
  return indented;
}

std::string_view state_meaning(file_state state) {
  switch (state) {
    case file_state::plain:
      return "plain .npy, without digests";
    case file_state::sealed:
      return "sealed";
    case file_state::dirty:
      return "dirty: written to since it was sealed";
  }
  return "";
}

}  // namespace

std::string file_text(const std::string& path, const file_info& info) {
  block lines(2);
  lines.line("type", printable(info.type));
  lines.line("state", std::string(state_meaning(info.state)));
  lines.line("size", bytes_text(info.file_bytes));
  std::string text = printable(path) + '\n' + lines.lines();
  for (std::size_t i = 0; i < info.segments.size(); ++i)
    text += segment_text(info.segments[i], i, info.state);
  if (!info.metadata.empty()) text += "  metadata\n" + metadata_text(info.metadata);
  return text;
}

std::string state_text(const file_info& info) {
  switch (info.state) {
    case file_state::plain:
      return "plain: a bare .npy, with nothing to compare it with";
    case file_state::dirty:
      return "dirty: written to since it was sealed, its arrays have no valid digest";
    case file_state::sealed:
      break;
  }
  const auto without = std::ranges::count_if(info.segments, [](const auto& each) { return !each.digest; });
  if (without == 0) return "sealed: ok";
  return "sealed: ok, but " + std::to_string(without) + (without == 1 ? " array has" : " arrays have") +
         " no digest";
}

}  // namespace larder::command
