#include "src/array_reader.hpp"

#include <cerrno>

#include <span>

#include <fcntl.h>

#include <larder/error.hpp>

#include "src/array_digest.hpp"
#include "src/bool_check.hpp"
#include "src/byte_order.hpp"
#include "src/container.hpp"
#include "src/mapping.hpp"

namespace larder::detail {
namespace {

/// value_error for a mode that the type cannot have.
void check_mode(const std::string& path, mmap_mode mode, result_kind wanted) {
  if (wanted == result_kind::vector && mode != mmap_mode::none) {
    throw value_error(path + ": a std::vector is always a copy: leave mmap_mode unset, or load an array");
  }
  if (wanted == result_kind::writable_array && mode == mmap_mode::read) {
    throw value_error(
        path +
        ": mmap_mode::read needs array<const T>; an array<T> loads with copy_on_write, read_write or none");
  }
  if (wanted == result_kind::read_only_array && mode == mmap_mode::read_write) {
    throw value_error(
        path +
        ": mmap_mode::read_write needs array<T>; an array<const T> loads with read, copy_on_write or none");
  }
}

/// Why a file's data cannot be used where they lie; empty if they can.
std::string_view unmappable(const npy_header& header) {
  if (header.foreign_byte_order) return "its byte order is big-endian";
  if (header.bytes % item_size(header.dtype) != 0) return "its data are not aligned";
  return {};
}

mmap_mode choose_mode(const std::string& path, const npy_header& header, const read_request& request) {
  const std::string_view obstacle = unmappable(header);
  if (const auto& asked = request.options.mmap_mode) {
    if (*asked != mmap_mode::none && !obstacle.empty()) {
      throw value_error(path + ": cannot be mapped, since " + std::string(obstacle) +
                        "; load it with mmap_mode::none, or without a mode");
    }
    return *asked;
  }
  const bool copies =
      request.wanted == result_kind::vector || !obstacle.empty() || header.data_bytes < request.copy_below;
  if (copies) return mmap_mode::none;
  return request.wanted == result_kind::read_only_array ? mmap_mode::read : mmap_mode::copy_on_write;
}

layout layout_of(const npy_header& header) {
  const std::size_t item = item_size(header.dtype);
  return header.fortran_order ? layout::column_major(header.shape, item)
                              : layout::row_major(header.shape, item);
}

raw_array read_copy(const descriptor& file, const file_structure& structure, const read_request& request) {
  const npy_header& header = structure.header;
  if (header.data_bytes > request.options.max_bytes) {
    throw format_error(file.path(), format_code::bomb,
                       "the array needs " + std::to_string(header.data_bytes) +
                           " bytes in memory, more than max_bytes, " +
                           std::to_string(request.options.max_bytes));
  }
  raw_array result;
  if (request.wanted == result_kind::vector) {
    result = {nullptr, (*request.place)(header.shape.count()), header.dtype, layout_of(header)};
  } else {
    result = allocate(header.dtype, header.shape, initial::unspecified);
    result.layout = layout_of(header);
  }
  read_data(file, structure, result.data);
  if (header.foreign_byte_order) swap_byte_order(result.data, header.data_bytes, header.dtype);
  if (header.dtype == dtype::boolean) require_bools(file.path(), {result.data, result.nbytes()});
  return result;
}

/// Maps the file; the elements lie behind the header.
raw_array map_array(const descriptor& file, const npy_header& header, std::uint64_t file_bytes,
                    mmap_mode mode) {
  auto mapped = map_file(file, file_bytes, mode, file.path());
  std::byte* data = mapped->data() + header.bytes;
  return {std::move(mapped), data, header.dtype, layout_of(header)};
}

/// From here on the data may differ from the digest: says so in the file, before anyone can write.
void mark_dirty(const descriptor& file, const file_structure& structure) {
  if (structure.container && !structure.dirty) {
    file.write_at(text_bytes(k_dirty), structure.file_bytes - k_state_from_end);
  }
}

}  // namespace

raw_array read_open_array(const descriptor& file, const file_structure& structure,
                          const read_request& request) {
  const npy_header& header = structure.header;
  const mmap_mode mode = choose_mode(file.path(), header, request);
  if (mode == mmap_mode::none) return read_copy(file, structure, request);

  // Writing through a mapping cannot report a full disk: the holes of a sparse file are filled first.
  if (mode == mmap_mode::read_write && structure.sparse) file.reserve(structure.file_bytes);
  raw_array result;
  try {
    result = map_array(file, header, structure.file_bytes, mode);
  } catch (const io_error& e) {
    // A process that has all the mappings it may have can still read.
    if (e.errno_value() != ENOMEM || request.options.mmap_mode) throw;
    return read_copy(file, structure, request);
  }
  const verification policy = request.options.verification;
  const bool verify = policy == verification::full ||
                      (policy == verification::automatic && header.data_bytes <= k_chunk_bytes);
  if (verify && structure.checked_digest()) {
    // What is hashed are the very pages that the caller will read.
    const std::span<const std::byte> data(result.data, static_cast<std::size_t>(header.data_bytes));
    if (digest_of(canonical_npy_header(header), data) != *structure.checked_digest()) {
      throw format_error(file.path(), format_code::seg_checksum,
                         "the data do not match their digest: the file is damaged");
    }
  }
  if (header.dtype == dtype::boolean) require_bools(file.path(), {result.data, result.nbytes()});
  if (mode == mmap_mode::read_write) mark_dirty(file, structure);
  return result;
}

std::optional<raw_array> read_array(const std::string& path, dtype expected, const read_request& request) {
  const auto& asked = request.options.mmap_mode;
  if (asked) check_mode(path, *asked, request.wanted);
  const bool writes = asked == mmap_mode::read_write;
  const auto file = descriptor::open_if_exists(path, writes ? O_RDWR : O_RDONLY);
  if (!file) return std::nullopt;

  const file_structure structure = read_structure(*file, request.demand);
  const npy_header& header = structure.header;
  if (header.dtype != expected) throw type_mismatch(path, type_text(expected), type_text(header.dtype));
  if (request.wanted == result_kind::vector && header.shape.rank() != 1) {
    throw layout_error(path + ": a std::vector loads from an array of one dimension, this one has " +
                       std::to_string(header.shape.rank()));
  }
  if (writes && structure.read_only) {
    throw io_error(path, "is sealed for good (read-only) and cannot be mapped read_write", EACCES);
  }
  return read_open_array(*file, structure, request);
}

raw_array map_sealed(const descriptor& file, const npy_header& header, std::uint64_t file_bytes) {
  return map_array(file, header, file_bytes, mmap_mode::read);
}

}  // namespace larder::detail
