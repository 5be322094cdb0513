#pragma once
// The structure of a file: a plain .npy, or a container. Read and checked before anything of it is used; the data of
// arrays are not read.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <time.h>

#include <larder/digest.hpp>

#include "src/container.hpp"
#include "src/descriptor.hpp"
#include "src/memory_budget.hpp"
#include "src/npy_header.hpp"
#include "src/shared_file.hpp"

namespace larder::detail {

enum class trailer_demand {
  as_found,  ///< a plain .npy will do
  sealed,    ///< a container whose arrays have digests that hold: a cache entry
  known,     ///< likewise, and what this process has read of the same file before will do
};

/// What is to become of an object's stream.
enum class object_demand {
  keep,   ///< to be loaded from
  check,  ///< compared with its digest, without the memory for it
  skip,   ///< not read, nor is the type, which stands at its beginning
};

struct stored_segment : segment {
  explicit stored_segment(const segment& of) : segment(of) {}

  npy_header header;  // of an array
};

struct file_structure {
  std::uint64_t file_bytes = 0;
  bool container = false;
  bool dirty = false;      // of a container: the digests of its uncompressed arrays are void
  bool sparse = false;     // has holes
  bool read_only = false;  // published without write permission: a cache entry
  file_identity identity;
  // The times of the last reading, of the last writing, and of the last change of anything but the first: nobody can set that one.
  ::timespec accessed{};
  ::timespec modified{};
  ::timespec changed{};

  // In the order of the file.
  std::vector<stored_segment> arrays;  // a plain file has one
  std::optional<segment> object_segment;
  std::optional<segment> metadata_segment;

  std::string type;  // the canonical type text of the value
  std::uint32_t schema = 0;
  std::string object;            // the bytes of the object segment, checked against their digest
  std::size_t stream_begin = 0;  // where in them the stream begins, behind the type
  std::string metadata;          // JSON text, checked likewise
  std::vector<std::byte> small;  // all bytes of a file with arrays, where they were read at once

  bool is_object() const noexcept { return object_segment.has_value(); }
  std::span<const std::byte> object_stream() const noexcept {
    return text_bytes(object).subspan(stream_begin);
  }
  /// The value, where it is no object.
  const stored_segment& sole_array() const noexcept { return arrays.front(); }

  template <class Visit>
  void for_each_segment(Visit visit) const {
    for (const stored_segment& each : arrays) visit(each);
    if (object_segment) visit(*object_segment);
    if (metadata_segment) visit(*metadata_segment);
  }

  /// The digest that an array's data have to match, if there is one.
  std::optional<larder::digest> checked_digest(const stored_segment& of) const {
    const bool speaks = of.has_digest && !(dirty && of.codec == codec::raw);
    return speaks ? std::optional(of.digest) : std::nullopt;
  }
};

/// io_error, also for what is not a regular file; format_error. What is kept in memory is taken from the budget.
file_structure read_structure(const descriptor& file, trailer_demand demand, memory_budget& budget,
                              object_demand object = object_demand::keep);
file_structure read_structure(const descriptor& file, trailer_demand demand,
                              object_demand object = object_demand::keep);

}  // namespace larder::detail
