#pragma once
// Arguments that are hashed and not stored, as a person reads them in the metadata of an entry.

#include <concepts>
#include <cstddef>
#include <ranges>
#include <string>

#include <larder/detail/cached_core.hpp>
#include <larder/detail/hash_append.hpp>
#include <larder/detail/hashed_view.hpp>
#include <larder/detail/user_type.hpp>
#include <larder/file_content.hpp>
#include <larder/hash.hpp>

namespace larder::detail {

/// Appends a readable form of an argument: of a file, its path; of what has a hash_append, and of what is made of such,
/// the name of its type.
template <hashable T>
void describe_argument(std::string& out, const T& value);

/// The first ones, in braces; metadata is cut where it is longer.
template <class Range>
void describe_range(std::string& out, const Range& range) {
  constexpr std::size_t k_enough = 1000;
  std::string inner;
  for (const std::ranges::range_value_t<Range>& each : range) {
    if (inner.size() > k_enough) break;
    describe_argument(inner, each);
  }
  out += "{" + inner + "}";
}

template <class T>
void describe_unstored(std::string& out, const T& value) {
  if constexpr (std::same_as<T, file_content>) {
    out += "file_content(\"" + value.path().string() + "\")";
  } else if constexpr (is_element_span<T>) {
    describe_array(out, as_raw(value));
  } else if constexpr (has_hash_append<T>) {
    out += stored_name<T>();
  } else if constexpr (std::ranges::forward_range<const T>) {
    describe_range(out, value);
  } else {
    out += stored<T>::name();
  }
}

template <hashable T>
void describe_argument(std::string& out, const T& value) {
  if constexpr (storable<T> || is_text_view<T>) {
    describe(out, value);
  } else {
    if (!out.empty()) out += ", ";
    describe_unstored(out, value);
  }
}

}  // namespace larder::detail
