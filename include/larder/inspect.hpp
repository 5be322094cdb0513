#pragma once
// What a file is, whether it is whole, and how a file that was written to in place is sealed again.
//
//   larder::file_info info = larder::inspect("a.npy");       // info.type is "array<f64>"
//   larder::verify("a.npy");        // throws format_error where a single bit is wrong

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <larder/digest.hpp>
#include <larder/element.hpp>

namespace larder {

enum class file_state {
  plain,   ///< a bare .npy: no digest, nothing to check beyond its header and length
  sealed,  ///< a container that was not written to in place since it was sealed
  dirty,   ///< a container that was mapped read_write since it was sealed: its array digests are void
};
/// "plain", "sealed", "dirty".
std::string_view name(file_state state) noexcept;

enum class segment_kind : std::uint8_t {
  array = 1,     ///< an NPY header and the data
  object = 2,    ///< all of an object but its arrays
  metadata = 3,  ///< JSON text
};
/// "array", "object", "metadata".
std::string_view name(segment_kind kind) noexcept;

struct array_info {
  larder::dtype dtype = larder::dtype::u8;
  bool foreign_byte_order = false;  ///< big-endian; in plain files only
  bool fortran_order = false;
  std::vector<std::size_t> shape;
  std::uint64_t data_offset = 0;  ///< of the first element in the file; in a compressed segment 0
  std::uint64_t data_bytes = 0;   ///< of all elements
};

struct segment_info {
  segment_kind kind = segment_kind::array;
  bool compressed = false;
  std::uint64_t offset = 0;              ///< in the file
  std::uint64_t stored_bytes = 0;        ///< in the file
  std::uint64_t raw_bytes = 0;           ///< when decompressed: NPY header and data, or the text or stream
  std::optional<larder::digest> digest;  ///< as stored; none in a plain file, or for an array sealed without
  std::optional<array_info> array;       ///< of an array
};

struct file_info {
  file_state state = file_state::plain;
  std::string type;  ///< the canonical type text of the value: "array<f64>", "map<i32,array<f64>>"
  std::uint64_t file_bytes = 0;
  std::vector<segment_info> segments;  ///< in the order of the file; of a plain file its one array
  std::string metadata;                ///< JSON text; empty where there is none
};

// All of these are thread-safe.

/// Reads and checks the structure, not the data of arrays. io_error, format_error. (For a file whose value is an array
/// that array is segments[0].)
file_info inspect(const std::filesystem::path& path);

/// Reads every byte and returns what inspect does. format_error (E_SEG_CHECKSUM) where the data do not match their
/// digest, or compressed data are damaged (bits of them that change no content apart). The arrays of a plain file, and
/// those of a dirty one, have no digest that speaks of their data: the state says so. That the values of an object are
/// well formed shows when it is loaded.
file_info verify(const std::filesystem::path& path);

/// Writes the file anew with digests of what it holds now, and puts it in the place of the old one, at once and whole.
/// Does nothing to a sealed file whose arrays have digests; makes a plain one a container. Arrays that are mapped from
/// the old file stay with that one, and what is written to them after this is lost. io_error, format_error.
/// Takes the memory of an object without its arrays, and of a plain .npy that is big-endian.
void reseal(const std::filesystem::path& path);

struct convert_options {
  int compress = 0;       ///< as in dump_options: 0 decompresses
  bool bare_npy = false;  ///< a plain .npy, of a file whose value is one array
  bool durable = false;   ///< on the medium (fsync of file and directory) before convert returns
};

/// Writes what is in one file to another (or to the same) in another form: .npy to container and back, compressed or
/// not, without knowing its type. Everything is verified on the way. Metadata go along, but not into a .npy. A dirty
/// file's data become sealed as they are. Publishes as dump does. io_error, format_error, value_error (an option that
/// does not fit: bare_npy of an object). Takes the memory of the largest array that is compressed (or big-endian), and of
/// an object without its arrays.
void convert(const std::filesystem::path& from, const std::filesystem::path& to,
             const convert_options& options = {});

}  // namespace larder
