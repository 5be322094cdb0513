#pragma once
// Arguments as a person reads them in the metadata of an entry.

#include <complex>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <ranges>
#include <string>
#include <string_view>

#include <larder/detail/array_like.hpp>
#include <larder/detail/hash_append.hpp>
#include <larder/detail/hashed_view.hpp>
#include <larder/detail/raw_array.hpp>
#include <larder/detail/user_type.hpp>
#include <larder/element.hpp>
#include <larder/file_content.hpp>
#include <larder/hash.hpp>
#include <larder/storable.hpp>

namespace larder::detail {

/// Each appends a readable form of a value.
void describe_integer(std::string& out, std::int64_t value);
void describe_integer(std::string& out, std::uint64_t value);
void describe_real(std::string& out, double value);
void describe_complex(std::string& out, std::complex<double> value);
void describe_text(std::string& out, std::string_view value);
void describe_array(std::string& out, const raw_array& value);

/// The same of a value that is storable, or a text, behind a comma where there are others.
template <hashable T>
void describe(std::string& out, const T& value) {
  if (!out.empty()) out += ", ";
  if constexpr (std::same_as<T, bool>) {
    out += value ? "true" : "false";
  } else if constexpr (std::signed_integral<T>) {
    describe_integer(out, std::int64_t{value});
  } else if constexpr (std::unsigned_integral<T>) {
    describe_integer(out, std::uint64_t{value});
  } else if constexpr (complex_element<T>) {
    describe_complex(out, value);
  } else if constexpr (element<T>) {
    describe_real(out, static_cast<double>(value));
  } else if constexpr (std::same_as<T, std::string> || is_text_view<T>) {
    describe_text(out, value);
  } else if constexpr (array_like<T>) {
    describe_array(out, as_raw(value));
  } else {
    out += type_text<T>();
  }
}

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
