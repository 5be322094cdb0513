#include "tools/larder/written_file.hpp"

#include <larder/inspect.hpp>

#include <algorithm>

#include "tools/larder/file_json.hpp"
#include "tools/larder/quantity.hpp"
#include "tools/larder/streams.hpp"

namespace larder::command {

finding describe_written(const std::string& path) {
  const file_info written = inspect(path);
  const bool compressed = std::ranges::any_of(written.segments, &segment_info::compressed);
  if (path.ends_with(".npy") && (compressed || !is_array(written))) {
    complain("warning: " + path + ": holds " + (compressed ? "compressed data" : written.type) +
             ": NumPy does not open it, for all its name");
  }
  return {.text = printable(path) + ": " + std::string(name(written.state)) + ", " + printable(written.type) +
                  ", " + bytes_text(written.file_bytes) + (compressed ? ", compressed\n" : "\n"),
          .json = file_json(written)};
}

}  // namespace larder::command
