#include "tools/larder/file_text.hpp"

#include <algorithm>
#include <string_view>

#include "src/shape_text.hpp"
#include "tools/larder/file_json.hpp"
#include "tools/larder/labelled_lines.hpp"
#include "tools/larder/quantity.hpp"
#include "tools/larder/streams.hpp"

namespace larder::command {
namespace {

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
  labelled_lines lines(4);
  if (segment.array) {
    lines.add("elements", elements_text(*segment.array));
    lines.add("shape", detail::shape_text(segment.array->shape) +
                           (segment.array->fortran_order ? ", column-major (Fortran)" : ", row-major (C)"));
    std::string data = bytes_text(segment.array->data_bytes);
    if (!segment.compressed) data += " at offset " + std::to_string(segment.array->data_offset);
    lines.add("data", data);
  }
  std::string stored = bytes_text(segment.stored_bytes) + " at offset " + std::to_string(segment.offset);
  if (segment.compressed) {
    stored += ", compressed: " + percent_text(segment.stored_bytes, segment.raw_bytes) + " of " +
              bytes_text(segment.raw_bytes);
  }
  lines.add("stored", stored);
  lines.add("digest", digest_text(segment, state));
  return "  segment " + std::to_string(number) + ": " + std::string(name(segment.kind)) + '\n' + lines.text();
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

std::string content_text(const file_info& info) {
  labelled_lines lines(2);
  lines.add("type", printable(info.type));
  lines.add("state", std::string(state_meaning(info.state)));
  lines.add("size", bytes_text(info.file_bytes));
  std::string text = lines.text();
  for (std::size_t i = 0; i < info.segments.size(); ++i)
    text += segment_text(info.segments[i], i, info.state);
  if (!info.metadata.empty()) text += "  metadata\n" + metadata_text(info.metadata);
  return text;
}

std::string file_text(const std::string& path, const file_info& info) {
  return printable(path) + '\n' + content_text(info);
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
