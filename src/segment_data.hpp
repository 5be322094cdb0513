#pragma once
// The bytes of segments: read, decompressed, and compared with their digest.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include <larder/detail/function_ref.hpp>
#include <larder/digest.hpp>

#include "src/descriptor.hpp"
#include "src/file_structure.hpp"

namespace larder::detail {

/// All raw bytes of a segment, which `out` has room for. What is decompressed on the way takes at most `scratch_bytes`
/// more (or some MiB). Nothing is compared. format_error, io_error.
void read_segment(const descriptor& file, const segment& of, std::span<std::byte> out,
                  std::uint64_t scratch_bytes);

/// The raw bytes of a segment in order, in pieces of at most 4 MiB. format_error, io_error.
void for_each_piece(const descriptor& file, const segment& of,
                    function_ref<void(std::span<const std::byte>)> take);

/// Reads the data of an array to `out`, which has data_bytes, on several threads if they are many, and compares them with
/// `expected`, if there is one. format_error (E_SEG_CHECKSUM), io_error.
void read_data(const descriptor& file, const stored_segment& of, const std::optional<digest>& expected,
               std::byte* out, std::uint64_t scratch_bytes);

/// Reads all data of an array and compares them with `expected`, keeping nothing. Takes some 10 MiB. format_error, io_error.
void verify_data(const descriptor& file, const stored_segment& of, const digest& expected);

/// The digest of data in memory as an array of this header; throws the format_error where it is another.
void check_data(const descriptor& file, const stored_segment& of, const digest& expected,
                std::span<const std::byte> data);

}  // namespace larder::detail
