#include "src/file_structure.hpp"

#include <algorithm>
#include <cerrno>
#include <optional>

#include <larder/detail/layout.hpp>
#include <larder/error.hpp>

#include "src/file_parts.hpp"
#include "src/known_structures.hpp"
#include "src/little_endian.hpp"
#include "src/same_bytes.hpp"
#include "src/segment_data.hpp"
#include "src/xxh3.hpp"
#include "src/zstd_frames.hpp"

namespace larder::detail {
namespace {

[[noreturn]] void fail(const descriptor& file, format_code code, const std::string& detail) {
  throw format_error(file.path(), code, detail);
}

bool begins_with(std::span<const std::byte> bytes, std::string_view magic) {
  return bytes.size() >= magic.size() && same_bytes(bytes.first(magic.size()), text_bytes(magic));
}

/// The beginning is neither an NPY header nor a head: says why.
[[noreturn]] void refuse_beginning(const descriptor& file, std::span<const std::byte> front) {
  for (const std::string_view magic : {k_npy_magic, k_head_magic}) {
    if (front.size() < magic.size() &&
        begins_with(text_bytes(magic), {reinterpret_cast<const char*>(front.data()), front.size()})) {
      fail(file, format_code::truncated, "the file ends within its first bytes");
    }
  }
  fail(file, format_code::magic, "neither an .npy file nor a larder container");
}

[[noreturn]] void refuse_without_trailer(const descriptor& file) {
  fail(file, format_code::trailer, "no larder trailer at the end of the file: it is cut short, or not whole");
}

/// Reads a container, whose beginning was looked at.
class container_reader {
 public:
  container_reader(const descriptor& file, file_parts& parts, memory_budget& budget, object_demand object,
                   file_structure& result)
      : file_(file), parts_(parts), budget_(budget), object_(object), result_(result) {}

  /// `first` is the end of what lies before the segments: of the head, or 0.
  void read(const trailer& end, std::uint64_t first) {
    // Raw bytes, and what they are parsed into.
    take_structure(end.index_bytes / k_block * (k_block + sizeof(stored_segment)), "the index");
    const auto index = parts_.part(end.index_offset, end.index_bytes, scratch_);
    const index_head head = parse_index_head(file_.path(), index, end);
    result_.container = true;
    result_.dirty = end.dirty;
    result_.schema = head.schema;
    read_index(index,
               head.segments);  // all of it: what follows may overwrite the bytes, which lie in scratch_
    check_form(first != 0);
    check_places(first, end.index_offset);
    for (std::size_t i = 0; i < result_.arrays.size(); ++i) read_header(i);
    if (result_.object_segment) {
      read_object(*result_.object_segment, head.fingerprint);
    } else {
      result_.type = type_text(result_.sole_array().header.dtype);
      if (head.fingerprint != 0 || head.schema != 0) {
        fail(file_, format_code::reserved, "the index speaks of a type, and there is no object");
      }
    }
    if (result_.metadata_segment) read_metadata(*result_.metadata_segment);
  }

 private:
  /// Arrays, then the object, then metadata.
  void read_index(std::span<const std::byte> index, std::size_t segments) {
    const auto add_array = [&](const segment& each) {
      if (result_.arrays.empty()) result_.arrays.reserve(segments);
      result_.arrays.emplace_back(each);
    };
    for (std::size_t i = 0; i < segments; ++i) {
      const segment each = parse_index_entry(file_.path(), index, i);
      const bool comes_too_late =
          result_.metadata_segment || (result_.object_segment && each.kind != segment_kind::metadata);
      if (comes_too_late)
        fail(file_, format_code::kind, "the segments are not arrays, an object and metadata, in this order");
      switch (each.kind) {
        case segment_kind::array:
          add_array(each);
          break;
        case segment_kind::object:
          result_.object_segment = each;
          break;
        case segment_kind::metadata:
          result_.metadata_segment = each;
          break;
      }
    }
  }

  /// The form of the file fits what is in it.
  void check_form(bool has_head) const {
    const bool object = result_.is_object();
    const bool one_array = !object && result_.arrays.size() == 1;
    if (!has_head && (!one_array || result_.sole_array().codec != codec::raw)) {
      fail(file_, format_code::kind,
           "a file that begins with an array holds that array and metadata, nothing else");
    }
    if (has_head && !object && (!one_array || result_.sole_array().codec == codec::raw)) {
      fail(file_, format_code::kind,
           "a file that begins with a head holds an object, or one compressed array");
    }
  }

  /// They ascend, and nothing lies between them but zeros up to their alignment.
  void check_places(std::uint64_t first, std::uint64_t index_offset) {
    std::uint64_t end = first;
    const auto check_gap = [&](std::uint64_t next, std::uint64_t alignment) {
      if (next == end) return;
      if (next - end >= alignment)
        fail(file_, format_code::seg_hole, "a gap between segments that belongs to none");
      const auto gap = parts_.part(end, next - end, scratch_);
      if (!all_zero(gap)) fail(file_, format_code::padding, "padding that is not zero");
    };
    result_.for_each_segment([&](const segment& each) {
      if (each.offset < end || each.offset > index_offset || each.stored > index_offset - each.offset) {
        fail(file_, format_code::seg_bounds, "a segment overlaps something else");
      }
      check_gap(each.offset, each.codec == codec::raw ? each.alignment : k_block);
      end = each.end();
    });
    check_gap(index_offset, k_block);
  }

  /// The NPY header of an array, as larder writes it, and of the array that the index speaks of.
  void read_header(std::size_t number) {
    stored_segment& of = result_.arrays[number];
    if (of.header_bytes > k_npy_header_limit) {
      fail(file_, format_code::npy_hdrsize, "an NPY header of " + std::to_string(of.header_bytes) + " bytes");
    }
    std::span<const std::byte> bytes;
    if (of.codec == codec::raw) {
      bytes = parts_.part(of.offset, std::min<std::uint64_t>(of.header_bytes, of.stored), scratch_);
    } else {
      bytes = scratch_ = read_front_of_frames(file_, of, of.header_bytes);
    }
    if (number != 0 && is_like(result_.arrays[number - 1], of, bytes)) {
      of.header = result_.arrays[number - 1].header;
      return;
    }
    if (!begins_with(bytes, k_npy_magic))
      fail(file_, format_code::npy_header, "an array without an NPY header");
    if (bytes.size() < k_npy_prefix_bytes ||
        npy_header_bytes(file_.path(), bytes, k_npy_header_limit) != of.header_bytes ||
        of.header_bytes > bytes.size()) {
      fail(file_, format_code::seg_size, "the NPY header and the index do not speak of the same array");
    }
    of.header = parse_npy_header(file_.path(), bytes.first(of.header_bytes));
    const npy_header& header = of.header;
    if (of.raw != header.bytes + header.data_bytes) {
      fail(file_, format_code::seg_size, "the NPY header and the index do not speak of the same array");
    }
    if (of.extended_dtype != extended_dtype(header.dtype)) {
      fail(file_, format_code::dtype, "the NPY header and the index do not speak of the same element type");
    }
    const std::size_t item = item_size(header.dtype);
    const bool needless_order =
        header.fortran_order && layout::column_major(header.shape, item).is_row_major(item);
    if (header.foreign_byte_order || needless_order || !begins_with(bytes, canonical_npy_header(header))) {
      fail(file_, format_code::npy_header, "the NPY header is not as larder and NumPy write it");
    }
    last_header_.assign(reinterpret_cast<const char*>(bytes.data()), of.header_bytes);
  }

  /// In a dictionary of arrays of one shape all headers are the same: what was asked of the last one need not be asked again.
  bool is_like(const stored_segment& before, const stored_segment& of,
               std::span<const std::byte> bytes) const {
    return of.raw == before.raw && of.header_bytes == before.header_bytes &&
           of.extended_dtype == before.extended_dtype && begins_with(bytes, last_header_);
  }

  void read_object(const segment& of, std::uint64_t fingerprint) {
    check_limit(of, k_object_limit, "the object");
    if (object_ == object_demand::skip) return;
    const bool keep = object_ == object_demand::keep;
    if (keep) budget_.take(file_.path(), of.raw, "the object");
    std::string text = keep || of.raw <= k_type_limit ? read_text(of, "the object") : read_front(of);
    constexpr std::size_t k_length_bytes = 4;
    if (text.size() < k_length_bytes) fail(file_, format_code::object, "an object without a type");
    const auto length = get<std::uint32_t>(text_bytes(text), 0);
    if (length == 0 || length > of.raw - k_length_bytes) {
      fail(file_, format_code::object, "the type text of the object is longer than the object");
    }
    if (length > k_type_limit) {
      fail(file_, format_code::object,
           "a type text of " + std::to_string(length) + " bytes; the limit is " +
               std::to_string(k_type_limit));
    }
    result_.type = text.substr(k_length_bytes, length);
    if (xxh3_64(text_bytes(result_.type)) != fingerprint) {
      fail(file_, format_code::object, "the object's type is not the one that the index speaks of");
    }
    if (!keep) return;
    result_.stream_begin = k_length_bytes + length;
    result_.object = std::move(text);
  }

  void read_metadata(const segment& of) {
    check_limit(of, k_metadata_limit, "the metadata");
    take_structure(of.raw, "the metadata");
    result_.metadata = read_text(of, "the metadata");
  }

  /// For what describes the values. max_bytes is for the values: a little of the rest goes beside it.
  void take_structure(std::uint64_t bytes, const char* what) {
    const std::uint64_t free = std::min(bytes, uncounted_);
    uncounted_ -= free;
    budget_.take(file_.path(), bytes - free, what);
  }

  void check_limit(const segment& of, std::uint64_t limit, const char* what) const {
    if (of.raw <= limit) return;
    fail(file_, format_code::bomb,
         std::string(what) + " of " + std::to_string(of.raw) + " bytes; the limit is " +
             std::to_string(limit));
  }

  /// The bytes of an object or metadata segment, checked against their digest; their memory was taken.
  std::string read_text(const segment& of, const char* what) {
    std::string text;
    if (of.codec == codec::raw && of.raw < k_small_text) {
      const auto part = parts_.part(of.offset, of.stored, scratch_);  // likely read already
      text.assign(reinterpret_cast<const char*>(part.data()), part.size());
    } else {
      text.resize(static_cast<std::size_t>(of.raw));
      read_segment(file_, of, std::as_writable_bytes(std::span(text)), budget_.left());
    }
    check_digest(of, xxh3_128(text_bytes(text)), what);
    return text;
  }

  /// As much of an object as the type text can take up; the rest is compared with the digest, too.
  std::string read_front(const segment& of) {
    std::string front;
    xxh3_stream hash;
    for_each_piece(file_, of, [&](std::span<const std::byte> piece) {
      hash.update(piece);
      const std::size_t missing = 2 * k_type_limit - front.size();
      front.append(reinterpret_cast<const char*>(piece.data()), std::min(piece.size(), missing));
    });
    check_digest(of, hash.finish(), "the object");
    return front;
  }

  void check_digest(const segment& of, const digest& found, const char* what) const {
    if (found == of.digest) return;
    fail(file_, format_code::seg_checksum,
         std::string(what) + " do not match their digest: the file is damaged");
  }

  static constexpr std::uint64_t k_small_text = 4096;

  std::uint64_t uncounted_ = std::uint64_t{2} << 20;

  const descriptor& file_;
  file_parts& parts_;
  std::vector<std::byte> scratch_;
  std::string last_header_;
  memory_budget& budget_;
  object_demand object_;
  file_structure& result_;
};

/// A file that begins with a head.
void read_headed(const descriptor& file, file_parts& parts, memory_budget& budget, object_demand object,
                 file_structure& result) {
  const auto front = parts.front(k_block);
  if (front.size() < k_block) fail(file, format_code::truncated, "the file ends within its head");
  const auto head = front.first(k_block);
  check_head(file.path(), head);
  if (result.file_bytes < 4 * k_block) refuse_without_trailer(file);
  std::vector<std::byte> scratch;
  const trailer end = parse_trailer(file.path(), parts.part(result.file_bytes - k_block, k_block, scratch),
                                    result.file_bytes);
  check_head(file.path(), head, end);
  container_reader(file, parts, budget, object, result).read(end, k_block);
}

/// A file that begins with an NPY header: plain, or a container of that array.
void read_npy(const descriptor& file, file_parts& parts, memory_budget& budget, trailer_demand demand,
              file_structure& result) {
  const std::size_t header_bytes = npy_header_bytes(file.path(), parts.front(0), result.file_bytes);
  const npy_header header = parse_npy_header(file.path(), parts.front(header_bytes).first(header_bytes));
  const std::uint64_t data_end = header.bytes + header.data_bytes;
  if (data_end > result.file_bytes) {
    fail(file, format_code::truncated,
         "the NPY header speaks of " + std::to_string(data_end) + " bytes, the file has " +
             std::to_string(result.file_bytes));
  }
  const auto plain = [&] {
    segment whole{
        .stored = data_end, .raw = data_end, .header_bytes = static_cast<std::uint32_t>(header.bytes)};
    result.arrays.emplace_back(whole).header = header;
    result.type = type_text(header.dtype);
  };
  const bool ends_with_data = data_end == result.file_bytes;
  if (result.file_bytes < 2 * k_block) {
    if (!ends_with_data || demand != trailer_demand::as_found) refuse_without_trailer(file);
    return plain();
  }
  std::vector<std::byte> scratch;
  const auto last = parts.part(result.file_bytes - k_block, k_block, scratch);
  if (ends_with_data && demand == trailer_demand::as_found) {
    if (is_trailer(last, result.file_bytes)) {
      fail(file, format_code::trailer, "a larder trailer lies within the data: the NPY header is damaged");
    }
    return plain();
  }
  const trailer end = parse_trailer(file.path(), last, result.file_bytes);
  if (end.index_offset < data_end) {
    fail(file, format_code::index_bounds, "the index lies within the data: the NPY header is damaged");
  }
  container_reader(file, parts, budget, object_demand::keep, result).read(end, 0);  // there is none
}

/// By which the structure of this file may be known: of one that is never written to, and may hold many arrays.
std::optional<structure_key> key_of_known(const file_structure& of, file_parts& parts, trailer_demand demand,
                                          object_demand object) {
  if (demand != trailer_demand::known || object != object_demand::keep || !of.read_only ||
      !parts.whole().empty() || !begins_with(parts.front(0), k_head_magic)) {
    return std::nullopt;
  }
  structure_key key{.file = of.identity,
                    .file_bytes = of.file_bytes,
                    .modified_seconds = of.modified.tv_sec,
                    .modified_nanoseconds = of.modified.tv_nsec};
  std::vector<std::byte> scratch;
  std::ranges::copy(parts.part(of.file_bytes - k_block, k_block, scratch), key.trailer.begin());
  return key;
}

}  // namespace

file_structure read_structure(const descriptor& file, trailer_demand demand, memory_budget& budget,
                              object_demand object) {
  const struct ::stat status = file.stat();
  if (S_ISDIR(status.st_mode)) throw io_error(file.path(), "cannot read", EISDIR);
  if (!S_ISREG(status.st_mode))
    throw io_error(file.path(), "cannot read what is not a regular file", ENOTSUP);

  file_structure result;
  result.file_bytes = static_cast<std::uint64_t>(status.st_size);
  result.sparse = static_cast<std::uint64_t>(status.st_blocks) * 512 < result.file_bytes;
  result.identity = {status.st_dev, status.st_ino};
  result.read_only = (status.st_mode & 0222) == 0;
  result.accessed = status.st_atim;
  result.modified = status.st_mtim;
  result.changed = status.st_ctim;
  if (result.file_bytes == 0) fail(file, format_code::empty, "the file is empty");

  file_parts parts(file, result.file_bytes);
  const auto key = key_of_known(result, parts, demand, object);
  if (const auto known = key ? find_structure(*key) : nullptr) {
    file_structure again = *known;
    again.accessed = result.accessed;
    again.changed = result.changed;
    again.sparse = result.sparse;
    return again;
  }
  if (begins_with(parts.front(0), k_npy_magic)) {
    read_npy(file, parts, budget, demand, result);
  } else if (begins_with(parts.front(0), k_head_magic)) {
    read_headed(file, parts, budget, object, result);
  } else {
    refuse_beginning(file, parts.front(0));
  }
  if (demand != trailer_demand::as_found && !std::ranges::all_of(result.arrays, [&](const auto& a) {
        return result.checked_digest(a).has_value();
      })) {
    fail(file, format_code::state, "the file was written to since it was sealed, or never had a digest");
  }
  if (!result.arrays.empty()) result.small.assign(parts.whole().begin(), parts.whole().end());
  if (key) remember_structure(*key, result);
  return result;
}

file_structure read_structure(const descriptor& file, trailer_demand demand, object_demand object) {
  memory_budget unlimited;
  return read_structure(file, demand, unlimited, object);
}

}  // namespace larder::detail
