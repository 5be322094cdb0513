#pragma once
// Reading or mapping a file of one array: for load, and for the entries of the cache.

#include <cstdint>
#include <optional>
#include <string>

#include <larder/detail/raw_array.hpp>
#include <larder/load.hpp>

#include "src/descriptor.hpp"
#include "src/file_structure.hpp"

namespace larder::detail {

/// Who reads, and how.
struct read_request {
  result_kind wanted;
  const load_options& options;
  const placement* place = nullptr;  // for vectors
  trailer_demand demand = trailer_demand::as_found;
  std::uint64_t copy_below = 0;  // without a mode in the options, less data than this are copied, not mapped
};

/// Opens, checks, and maps or reads, as load documents it. Without a value where there is nothing at `path`.
std::optional<raw_array> read_array(const std::string& path, dtype expected, const read_request& request);

/// The same for a file that was opened (for writing, if it is mapped read_write), of the right type, and whose
/// structure was read.
raw_array read_open_array(const descriptor& file, const file_structure& structure,
                          const read_request& request);

/// Maps an open container whose data need no further check, read-only.
raw_array map_sealed(const descriptor& file, const npy_header& header, std::uint64_t file_bytes);

}  // namespace larder::detail
