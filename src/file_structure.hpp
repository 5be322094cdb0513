#pragma once
// The structure of a file that holds one array: a plain .npy or a container. Read and checked before anything of it
// is used; the data themselves are not read.

#include <cstdint>
#include <optional>
#include <string>

#include <larder/digest.hpp>

#include "src/descriptor.hpp"
#include "src/npy_header.hpp"

namespace larder::detail {

enum class trailer_demand {
  as_found,  ///< a plain .npy will do
  sealed,    ///< a container whose data have a digest that holds: a cache entry
};

struct file_structure {
  npy_header header;
  std::uint64_t file_bytes = 0;
  bool container = false;
  bool dirty = false;                    // of a container: its array digest is void
  bool sparse = false;                   // has holes
  bool read_only = false;                // published without write permission: a cache entry
  std::optional<larder::digest> digest;  // as stored, void or not
  std::string metadata;                  // JSON text, checked against its digest

  /// The digest that the data have to match, if there is one.
  std::optional<larder::digest> checked_digest() const { return dirty ? std::nullopt : digest; }
};

/// io_error, also for what is not a regular file; format_error.
file_structure read_structure(const descriptor& file, trailer_demand demand);

/// Reads all data and compares them with the digest, if there is one to compare with. Takes a few MiB. format_error
/// (E_SEG_CHECKSUM), io_error.
void verify_data(const descriptor& file, const file_structure& structure);

/// Reads all data to `out`, which has data_bytes, and checks them as verify_data does.
void read_data(const descriptor& file, const file_structure& structure, std::byte* out);

}  // namespace larder::detail
