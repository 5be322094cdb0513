#include "src/file_structure.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <exception>
#include <mutex>
#include <vector>

#include <larder/error.hpp>

#include "src/array_digest.hpp"
#include "src/container.hpp"
#include "src/little_endian.hpp"
#include "src/xxh3.hpp"

namespace larder::detail {
namespace {

[[noreturn]] void fail(const descriptor& file, format_code code, const std::string& detail) {
  throw format_error(file.path(), code, detail);
}

/// Reads parts of a file with few system calls: what is asked for first, and the last 4 KiB, are fetched once.
/// The bytes are copies, so what was checked is what is used, whatever others do to the file meanwhile.
class file_parts {
 public:
  file_parts(const descriptor& file, std::uint64_t file_bytes) : file_(file), file_bytes_(file_bytes) {
    front_ = fetch(0, std::min<std::uint64_t>(file_bytes, k_at_once));
  }

  /// At least `wanted` bytes from the start, and more, if the file has them.
  std::span<const std::byte> front(std::size_t wanted) {
    wanted = static_cast<std::size_t>(std::min<std::uint64_t>(wanted, file_bytes_));
    if (front_.size() < wanted) front_ = fetch(0, wanted);
    return front_;
  }

  /// offset + size <= the file's length.
  std::vector<std::byte> part(std::uint64_t offset, std::uint64_t size) {
    if (offset + size <= front_.size()) return copy(front_, offset, size);
    const std::uint64_t back_offset = file_bytes_ - std::min<std::uint64_t>(file_bytes_, k_at_once);
    if (offset < back_offset) return fetch(offset, size);
    if (back_.empty()) back_ = fetch(back_offset, file_bytes_ - back_offset);
    return copy(back_, offset - back_offset, size);
  }

 private:
  static constexpr std::uint64_t k_at_once = 4096;

  static std::vector<std::byte> copy(std::span<const std::byte> from, std::uint64_t offset,
                                     std::uint64_t size) {
    const auto part = from.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
    return {part.begin(), part.end()};
  }

  std::vector<std::byte> fetch(std::uint64_t offset, std::uint64_t size) const {
    std::vector<std::byte> bytes(static_cast<std::size_t>(size));
    if (file_.read_at(bytes, offset) != bytes.size()) {
      fail(file_, format_code::truncated, "the file became shorter while it was read");
    }
    return bytes;
  }

  const descriptor& file_;
  std::uint64_t file_bytes_;
  std::vector<std::byte> front_;
  std::vector<std::byte> back_;
};

bool begins_with(std::span<const std::byte> bytes, std::string_view magic) {
  return bytes.size() >= magic.size() && std::ranges::equal(bytes.first(magic.size()), text_bytes(magic));
}

/// The beginning is not an NPY header: says why.
[[noreturn]] void refuse_beginning(const descriptor& file, std::span<const std::byte> front) {
  for (const std::string_view magic : {k_npy_magic, k_head_magic}) {
    if (front.size() < magic.size() &&
        begins_with(text_bytes(magic), {reinterpret_cast<const char*>(front.data()), front.size()})) {
      fail(file, format_code::truncated, "the file ends within its first bytes");
    }
  }
  if (!begins_with(front, k_head_magic)) {
    fail(file, format_code::magic, "neither an .npy file nor a larder container");
  }
  if (front.size() < k_block) fail(file, format_code::truncated, "the file ends within its head");
  if (get<std::uint64_t>(front, 56) != xxh3_64(front.first(56))) {
    fail(file, format_code::head_checksum, "the head does not match its checksum");
  }
  fail(file, format_code::feature,
       "an object, several arrays or compressed data: this version reads files of a single uncompressed "
       "array");
}

void require_zeros(const descriptor& file, std::span<const std::byte> gap) {
  if (gap.size() >= k_block) fail(file, format_code::seg_hole, "a gap between segments that belongs to none");
  if (std::ranges::any_of(gap, [](std::byte b) { return b != std::byte{0}; })) {
    fail(file, format_code::padding, "padding that is not zero");
  }
}

/// Checks where the segments of a single-array container lie, and reads the metadata.
void read_segments(const descriptor& file, file_parts& parts, const std::vector<segment>& segments,
                   std::uint64_t index_offset, file_structure& result) {
  const npy_header& header = result.header;
  const segment& array = segments[0];
  if (array.kind != segment_kind::array || segments.size() > 2 ||
      (segments.size() == 2 && segments[1].kind != segment_kind::metadata)) {
    fail(file, format_code::kind,
         "a file that begins with an array holds that array and metadata, nothing else");
  }
  if (array.offset != 0) fail(file, format_code::seg_hole, "the array does not begin where the file does");
  if (array.stored > index_offset) fail(file, format_code::seg_bounds, "the array reaches beyond the index");
  if (array.npy_header != header.bytes || array.stored != header.bytes + header.data_bytes) {
    fail(file, format_code::seg_size, "the NPY header and the index do not speak of the same array");
  }
  const std::string canonical = canonical_npy_header(header);
  const std::size_t item = item_size(header.dtype);
  const bool needless_order =
      header.fortran_order && layout::column_major(header.shape, item).is_row_major(item);
  if (header.foreign_byte_order || needless_order || !begins_with(parts.front(header.bytes), canonical)) {
    fail(file, format_code::npy_header, "the NPY header is not as larder and NumPy write it");
  }
  if (array.has_digest) result.digest = array.digest;

  std::uint64_t end = array.stored;
  if (segments.size() == 2) {
    const segment& metadata = segments[1];
    if (metadata.offset < end || metadata.offset > index_offset ||
        metadata.stored > index_offset - metadata.offset) {
      fail(file, format_code::seg_bounds, "the metadata overlap something else");
    }
    if (metadata.stored > k_metadata_limit) fail(file, format_code::bomb, "more than 64 MiB of metadata");
    if (metadata.offset - end >= k_block) require_zeros(file, std::vector<std::byte>(k_block));
    require_zeros(file, parts.part(end, metadata.offset - end));
    const std::vector<std::byte> text = parts.part(metadata.offset, metadata.stored);
    if (xxh3_128(text) != metadata.digest) {
      fail(file, format_code::seg_checksum, "the metadata do not match their digest");
    }
    result.metadata.assign(reinterpret_cast<const char*>(text.data()), text.size());
    end = metadata.offset + metadata.stored;
  }
  require_zeros(file, parts.part(end, std::min<std::uint64_t>(index_offset - end, k_block)));
}

/// Reads the data chunk by chunk, on several threads if there are many, each to where `place` says.
template <class Place>
void check_chunks(const descriptor& file, const file_structure& structure, Place place) {
  const npy_header& header = structure.header;
  const std::string canonical = canonical_npy_header(header);
  array_digester digester(canonical, header.data_bytes);
  // The first fault wins; the mutex guards it, and run_on_team orders it before the look below.
  std::mutex mutex;
  std::exception_ptr fault;
  std::atomic<bool> failed = false;  // spares the reading of what is left
  for_each_chunk(digester, [&](std::size_t i) noexcept {
    if (failed.load(std::memory_order_relaxed)) return;
    try {
      const std::span<std::byte> bytes = place(i, digester.chunk_size(i));
      if (file.read_at(bytes, header.bytes + i * k_chunk_bytes) != bytes.size()) {
        fail(file, format_code::truncated, "the file became shorter while it was read");
      }
      if (structure.checked_digest()) digester.take(i, bytes);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!fault) fault = std::current_exception();
      failed.store(true, std::memory_order_relaxed);
    }
  });
  if (fault) std::rethrow_exception(fault);
  if (structure.checked_digest() && digester.finish() != *structure.checked_digest()) {
    fail(file, format_code::seg_checksum, "the data do not match their digest: the file is damaged");
  }
}

}  // namespace

file_structure read_structure(const descriptor& file, trailer_demand demand) {
  const struct ::stat status = file.stat();
  if (S_ISDIR(status.st_mode)) throw io_error(file.path(), "cannot read", EISDIR);
  if (!S_ISREG(status.st_mode))
    throw io_error(file.path(), "cannot read what is not a regular file", ENOTSUP);

  file_structure result;
  result.file_bytes = static_cast<std::uint64_t>(status.st_size);
  result.sparse = static_cast<std::uint64_t>(status.st_blocks) * 512 < result.file_bytes;
  result.read_only = (status.st_mode & 0222) == 0;
  if (result.file_bytes == 0) fail(file, format_code::empty, "the file is empty");

  file_parts parts(file, result.file_bytes);
  if (!begins_with(parts.front(0), k_npy_magic)) refuse_beginning(file, parts.front(0));
  const std::size_t header_bytes = npy_header_bytes(file.path(), parts.front(0), result.file_bytes);
  result.header = parse_npy_header(file.path(), parts.front(header_bytes).first(header_bytes));

  const std::uint64_t data_end = result.header.bytes + result.header.data_bytes;
  if (data_end > result.file_bytes) {
    fail(file, format_code::truncated,
         "the NPY header speaks of " + std::to_string(data_end) + " bytes, the file has " +
             std::to_string(result.file_bytes));
  }
  const bool ends_with_data = data_end == result.file_bytes;
  if (result.file_bytes < 2 * k_block) {
    if (!ends_with_data || demand == trailer_demand::sealed) {
      fail(file, format_code::trailer,
           "no larder trailer at the end of the file: it is cut short, or not whole");
    }
    return result;
  }
  const std::vector<std::byte> last = parts.part(result.file_bytes - k_block, k_block);
  if (ends_with_data && demand == trailer_demand::as_found) {
    if (is_trailer(last, result.file_bytes)) {
      fail(file, format_code::trailer, "a larder trailer lies within the data: the NPY header is damaged");
    }
    return result;
  }
  const trailer end = parse_trailer(file.path(), last, result.file_bytes);
  if (end.index_offset < data_end) {
    fail(file, format_code::index_bounds, "the index lies within the data: the NPY header is damaged");
  }
  const auto segments = parse_index(file.path(), parts.part(end.index_offset, end.index_bytes), end);
  result.container = true;
  result.dirty = end.dirty;
  read_segments(file, parts, segments, end.index_offset, result);
  if (demand == trailer_demand::sealed && !result.checked_digest()) {
    fail(file, format_code::state, "the file was written to since it was sealed, or never had a digest");
  }
  return result;
}

void verify_data(const descriptor& file, const file_structure& structure) {
  if (!structure.checked_digest()) return;
  check_chunks(file, structure, [](std::size_t, std::size_t size) {
    thread_local std::vector<std::byte> scratch;
    scratch.resize(size);
    return std::span(scratch);
  });
}

void read_data(const descriptor& file, const file_structure& structure, std::byte* out) {
  check_chunks(file, structure,
               [out](std::size_t i, std::size_t size) { return std::span(out + i * k_chunk_bytes, size); });
}

}  // namespace larder::detail
