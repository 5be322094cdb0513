#pragma once
// Reading or mapping a file of one array: for load, and for the entries of the cache.

#include <cstddef>
#include <optional>

#include <larder/detail/raw_array.hpp>
#include <larder/load.hpp>

#include "src/array_file.hpp"
#include "src/descriptor.hpp"

namespace larder::detail {

/// Opens, checks, and maps or reads, as load documents it. Without a value where there is nothing at `path`.
std::optional<raw_array> read_array(const std::string& path, trailer_demand demand, dtype expected,
                                    handle wanted, const load_options& options, const placement* place);

/// The same for a file that was opened (for writing, if it is mapped read_write), of the right type, and whose
/// structure was read.
raw_array read_open_array(const descriptor& file, const array_file& structure, handle wanted,
                          const load_options& options, const placement* place);

/// Maps an open container whose data need no further check, read-only.
raw_array map_sealed(const descriptor& file, const npy_header& header, std::uint64_t file_bytes);

}  // namespace larder::detail
