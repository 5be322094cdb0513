#pragma once
// Reading or mapping a file whose value is one array: for load, and for the entries of the cache.

#include <cstdint>
#include <optional>
#include <string>

#include <larder/detail/raw_array.hpp>
#include <larder/load.hpp>

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

/// Opens, checks, and maps or reads, as load documents it. Without a value where there is nothing at `path`. Of a vector,
/// the result says that it is there and no more.
std::optional<raw_array> read_array_file(const std::string& path, dtype expected,
                                         const read_request& request);

}  // namespace larder::detail
