#include "tools/larder/file_json.hpp"

#include <algorithm>
#include <utility>

namespace larder::command {
namespace {

nlohmann::json array_json(const array_info& array, bool compressed) {
  nlohmann::json json = {
      {"dtype", name(array.dtype)},
      {"byte_order", array.foreign_byte_order ? "big" : "little"},
      {"order", array.fortran_order ? "F" : "C"},
      {"shape", array.shape},
      {"data_bytes", array.data_bytes},
  };
  json["data_offset"] = compressed ? nlohmann::json() : nlohmann::json(array.data_offset);
  return json;
}

nlohmann::json segment_json(const segment_info& segment) {
  nlohmann::json json = {
      {"kind", name(segment.kind)},           {"compressed", segment.compressed}, {"offset", segment.offset},
      {"stored_bytes", segment.stored_bytes}, {"raw_bytes", segment.raw_bytes},
  };
  json["digest"] = segment.digest ? nlohmann::json(segment.digest->hex()) : nlohmann::json();
  if (segment.array) json["array"] = array_json(*segment.array, segment.compressed);
  return json;
}

}  // namespace

nlohmann::json summary_json(const file_info& info) {
  return {{"state", name(info.state)}, {"type", info.type}, {"bytes", info.file_bytes}};
}

nlohmann::json file_json(const file_info& info) {
  nlohmann::json json = summary_json(info);
  json["segments"] = nlohmann::json::array();
  for (const segment_info& segment : info.segments) json["segments"].push_back(segment_json(segment));
  json["metadata"] = info.metadata.empty() ? nlohmann::json() : metadata_json(info.metadata);
  return json;
}

bool is_array(const file_info& info) noexcept {
  return std::ranges::find(info.segments, segment_kind::object, &segment_info::kind) == info.segments.end();
}

nlohmann::json shape_json(const file_info& info) {
  return is_array(info) ? nlohmann::json(info.segments.front().array->shape) : nlohmann::json();
}

nlohmann::json metadata_json(const std::string& text) {
  constexpr int k_deepest = 100;  // writing JSON takes stack for each level
  bool deep = false;
  const auto watch = [&deep](int depth, nlohmann::json::parse_event_t, const nlohmann::json&) {
    deep = deep || depth > k_deepest;
    return !deep;
  };
  constexpr bool k_throws = false;
  nlohmann::json json = nlohmann::json::parse(text, watch, k_throws);
  return json.is_discarded() || deep ? nlohmann::json(text) : json;
}

}  // namespace larder::command
