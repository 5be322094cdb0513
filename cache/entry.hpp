#pragma once
// One result on disk: a container with metadata, published whole and read-only.

#include <cstdint>
#include <optional>
#include <string>

#include <larder/load.hpp>

namespace larder::detail {

/// Results from this size come mapped; smaller ones are copied, which costs no more. A process can have only some 65,000
/// mappings, and may well hold more small results than that.
inline constexpr std::uint64_t k_mapped_bytes = std::uint64_t{16} << 10;

struct entry_metadata {
  std::string function;
  std::string code;
  std::string arguments;  // readable, cut to a limit
  double seconds = 0;     // that the computation took
};

/// The result in an entry; without a value where there is none. io_error, format_error (also for another type, or
/// for a file that is no entry).
std::optional<raw_array> load_entry(const std::string& path, dtype type, result_kind wanted,
                                    verification verify, const placement* place);

/// Whether a sound entry lies at `path`; its data are not read.
bool has_entry(const std::string& path);

/// Publishes an entry below `location`, making its directories. An entry that is there already stays. It is made
/// durable when the computation took long enough for that to be cheap beside it. io_error; nothing is left then.
void store_entry(const std::string& location, const std::string& path, const raw_array& value, int compress,
                 const entry_metadata& metadata);

}  // namespace larder::detail
