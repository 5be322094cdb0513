#pragma once
// The array of a file whose value is one, as inspect tells of it.

#include <larder/inspect.hpp>

#include <optional>

inline const larder::array_info& sole_array(const larder::file_info& info) {
  return info.segments.at(0).array.value();
}
inline std::optional<larder::digest> sole_digest(const larder::file_info& info) {
  return info.segments.at(0).digest;
}
