#pragma once
// One result on disk: a container with metadata, published whole and read-only.

#include <optional>
#include <string>

#include <larder/load.hpp>

namespace larder::detail {

struct entry_metadata {
  std::string function;
  std::string code;
  std::string arguments;  // readable, cut to a limit
  double seconds = 0;     // that the computation took
};

/// The result in an entry; without a value where there is none. io_error, format_error (also for another type, or
/// for a file that is no entry).
std::optional<raw_array> load_entry(const std::string& path, dtype type, handle wanted, verification verify,
                                    const placement* place);

/// Whether a sound entry lies at `path`; its data are not read.
bool has_entry(const std::string& path);

/// Publishes an entry below `location`, making its directories. An entry that is there already stays. It is made
/// durable when the computation took long enough for that to be cheap beside it. io_error; nothing is left then.
void store_entry(const std::string& location, const std::string& path, const raw_array& value,
                 const entry_metadata& metadata);

/// Removes what lies at an entry's path; nothing there is fine. io_error.
void remove_entry(const std::string& path);

}  // namespace larder::detail
