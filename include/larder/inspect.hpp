#pragma once
// What a file is, whether it is whole, and how a file that was written to in place is sealed again.
//
//   larder::file_info info = larder::inspect("a.npy");
//   larder::verify("a.npy");        // throws format_error where a single bit is wrong

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <larder/digest.hpp>
#include <larder/element.hpp>

namespace larder {

enum class file_state {
  plain,   ///< a bare .npy: no digest, nothing to check beyond its header and length
  sealed,  ///< a container that was not written to in place since it was sealed
  dirty,   ///< a container that was mapped read_write since it was sealed: its array digest is void
};

struct file_info {
  file_state state = file_state::plain;
  larder::dtype dtype = larder::dtype::u8;
  bool foreign_byte_order = false;
  bool fortran_order = false;
  std::vector<std::size_t> shape;
  std::uint64_t file_bytes = 0;
  std::uint64_t data_offset = 0;  ///< of the first element
  std::uint64_t data_bytes = 0;
  std::optional<larder::digest> digest;  ///< as stored; none for a plain file, or one sealed without
  std::string metadata;                  ///< JSON text; empty where there is none
};

/// Reads and checks the structure, not the data. io_error, format_error.
file_info inspect(const std::filesystem::path& path);

/// Reads every byte and returns what inspect does. format_error (E_SEG_CHECKSUM) where the data do not match their
/// digest. A plain file and a dirty one have none that speaks of their data: their state says so.
file_info verify(const std::filesystem::path& path);

/// Writes the file anew with a digest of what it holds now, and puts it in the place of the old one, at once and
/// whole. Does nothing to a sealed file that has a
/// digest; makes a plain one a container. io_error, format_error.
void reseal(const std::filesystem::path& path);

}  // namespace larder
