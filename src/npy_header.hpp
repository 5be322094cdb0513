#pragma once
// The header of an .npy file: magic, version, and a Python dictionary with dtype, order and shape.
//
//   \x93NUMPY  u8 major  u8 minor  u16 (v1) or u32 (v2, v3) length of the text  text, ending in a newline
//   {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <larder/element.hpp>
#include <larder/extents.hpp>

namespace larder::detail {

inline constexpr std::string_view k_npy_magic = "\x93NUMPY";
/// The longest header that is read, magic included.
inline constexpr std::size_t k_npy_header_limit = 9984;
/// As much of a header as its length stands in, whatever its version.
inline constexpr std::size_t k_npy_prefix_bytes = 12;

/// What the index of a container says beside the NPY header: 1 where that cannot name the type, bfloat16.
constexpr std::uint32_t extended_dtype(dtype type) noexcept { return type == dtype::bf16 ? 1 : 0; }

struct npy_header {
  larder::dtype dtype = larder::dtype::u8;
  bool foreign_byte_order = false;  // big-endian
  bool fortran_order = false;
  extents shape;
  std::size_t bytes = 0;         // of the header itself: where the data begin
  std::uint64_t data_bytes = 0;  // what the shape demands
};

/// The header as NumPy writes it, byte for byte: version 1.0, little-endian, padded to a multiple of 64.
std::string canonical_npy_header(dtype type, bool fortran_order, std::span<const std::size_t> shape);

std::string canonical_npy_header(const npy_header& header);

/// The length of the header that `front` begins with: the first 12 bytes of a file of `file_bytes`, or all of it.
/// It is within the file and the limit, else format_error. The magic is not looked at.
std::size_t npy_header_bytes(const std::string& path, std::span<const std::byte> front,
                             std::uint64_t file_bytes);

/// `bytes` is a whole header. format_error where it is not one; whether the data are there is not checked.
npy_header parse_npy_header(const std::string& path, std::span<const std::byte> bytes);

}  // namespace larder::detail
