#pragma once
// .npy files as NumPy writes them, made here without the library under test.
// Source: numpy/lib/format.py, _write_array_header and _wrap_header.

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

/// A header around any text, right or wrong, ended so that the data begin at a multiple of `align`.
inline std::string npy_around(std::string dictionary, char major = 1, std::size_t align = 64) {
  const std::size_t length_bytes = major == 1 ? 2 : 4;
  const std::size_t used = 8 + length_bytes + dictionary.size() + 1;
  dictionary.append(align - used % align, ' ');  // a whole one where it fits already, as NumPy does
  dictionary += '\n';
  std::string header = {'\x93', 'N', 'U', 'M', 'P', 'Y', major, 0};
  for (std::size_t b = 0; b < length_bytes; ++b)
    header += static_cast<char>(dictionary.size() >> (8 * b) & 0xff);
  return header + dictionary;
}

inline std::string npy_dictionary(std::string_view descr, bool fortran,
                                  const std::vector<std::size_t>& shape) {
  std::string sizes;
  for (std::size_t d = 0; d < shape.size(); ++d) sizes += (d == 0 ? "" : ", ") + std::to_string(shape[d]);
  if (shape.size() == 1) sizes += ",";
  std::string text = "{'descr': '" + std::string(descr) +
                     "', 'fortran_order': " + (fortran ? "True" : "False") + ", 'shape': (" + sizes + "), }";
  // Room for the axis that grows when a file is appended to.
  if (!shape.empty()) text.append(21 - std::to_string(fortran ? shape.back() : shape.front()).size(), ' ');
  return text;
}

/// As NumPy writes it.
inline std::string npy_header(std::string_view descr, bool fortran, const std::vector<std::size_t>& shape) {
  return npy_around(npy_dictionary(descr, fortran, shape));
}

/// The memory of elements, in the order they are given.
template <class T>
std::string bytes_of(const std::vector<T>& elements) {
  std::string bytes(elements.size() * sizeof(T), '\0');
  if (!elements.empty()) std::memcpy(bytes.data(), elements.data(), bytes.size());
  return bytes;
}

/// The same with the bytes of each element reversed.
template <class T>
std::string swapped_bytes_of(const std::vector<T>& elements) {
  std::string bytes = bytes_of(elements);
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(T)) {
    std::reverse(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                 bytes.begin() + static_cast<std::ptrdiff_t>(at + sizeof(T)));
  }
  return bytes;
}

/// "<f8", "|u1" and so on.
template <class T>
std::string descr_of() {
  const char kind = std::is_floating_point_v<T> ? 'f' : std::is_signed_v<T> ? 'i' : 'u';
  return std::string(sizeof(T) == 1 ? "|" : "<") + kind + std::to_string(sizeof(T));
}
