#include "src/container.hpp"

#include <array>
#include <bit>
#include <cstring>

#include <larder/error.hpp>

#include "src/descriptor.hpp"
#include "src/little_endian.hpp"
#include "src/same_bytes.hpp"
#include "src/xxh3.hpp"

namespace larder::detail {
namespace {

constexpr std::uint16_t k_major = 1;
constexpr std::uint16_t k_minor = 0;
constexpr std::string_view k_index_magic = "LRDINDEX";
constexpr std::string_view k_end_magic = "\r\nLRDEND";
constexpr std::uint8_t k_check_none = 0;
constexpr std::uint8_t k_check_xxh3 = 2;
constexpr std::uint32_t k_log2_block = 6;
constexpr std::uint32_t k_log2_largest_alignment = 21;
constexpr std::uint32_t k_extended_bfloat16 = 1;
/// What nothing that is compressed may grow beyond, unless it is small.
constexpr std::uint64_t k_most_expansion = 65536;
constexpr std::uint64_t k_small_expansion = std::uint64_t{1} << 20;

using block = std::array<std::byte, k_block>;

std::string_view text_at(std::span<const std::byte> bytes, std::size_t offset, std::size_t size) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()) + offset, size};
}

void put_text(block& b, std::size_t offset, std::string_view text) noexcept {
  std::memcpy(b.data() + offset, text.data(), text.size());
}

void append(std::string& out, const block& b) {
  out.append(reinterpret_cast<const char*>(b.data()), b.size());
}

block index_head_block(const container_index& index, std::uint64_t offset) noexcept {
  block b{};
  put_text(b, 0, k_index_magic);
  put(b, 8, static_cast<std::uint32_t>(index.segments.size()));
  put(b, 12, static_cast<std::uint32_t>(k_block));
  put(b, 16, index.fingerprint);
  put(b, 24, index.schema);
  put(b, 32, offset);
  return b;
}

block index_entry_block(const segment& s) noexcept {
  block b{};
  put(b, 0, s.offset);
  put(b, 8, s.stored);
  put(b, 16, s.raw);
  put(b, 24, s.header_bytes);
  put(b, 28, static_cast<std::uint8_t>(s.kind));
  put(b, 29, static_cast<std::uint8_t>(s.codec));
  put(b, 30, s.has_digest ? k_check_xxh3 : k_check_none);
  put(b, 32, s.digest.low);
  put(b, 40, s.digest.high);
  put(b, 48, s.extended_dtype);
  put(b, 52, static_cast<std::uint32_t>(std::countr_zero(s.alignment)));
  return b;
}

block trailer_block(const trailer& t, std::uint64_t file_bytes) noexcept {
  block b{};
  put(b, 0, t.index_offset);
  put(b, 8, t.index_bytes);
  put(b, 16, t.index_checksum);
  put(b, 24, file_bytes);
  put(b, 40, k_major);
  put(b, 42, k_minor);
  put(b, 48, xxh3_64(std::span(b).first(44)));
  put_text(b, 56, k_end_magic);
  return b;
}

block head_block() noexcept {
  block b{};
  put_text(b, 0, k_head_magic);
  put(b, 8, k_major);
  put(b, 10, k_minor);
  put(b, 56, xxh3_64(std::span(b).first(56)));
  return b;
}

}  // namespace

std::string container_head() {
  std::string head;
  append(head, head_block());
  return head;
}

std::string index_and_trailer(const container_index& index, std::uint64_t offset) {
  std::string out;
  out.reserve(index_and_trailer_bytes(index.segments.size()));
  append(out, index_head_block(index, offset));
  for (const segment& s : index.segments) append(out, index_entry_block(s));
  const trailer t{
      .index_offset = offset, .index_bytes = out.size(), .index_checksum = xxh3_64(text_bytes(out))};
  append(out, trailer_block(t, offset + out.size() + k_block));
  return out;
}

bool is_trailer(std::span<const std::byte> b, std::uint64_t file_bytes) noexcept {
  return text_at(b, 56, 8) == k_end_magic && get<std::uint64_t>(b, 48) == xxh3_64(b.first(44)) &&
         get<std::uint64_t>(b, 24) == file_bytes;
}

trailer parse_trailer(const std::string& path, std::span<const std::byte> b, std::uint64_t file_bytes) {
  const auto fail = [&](format_code code, const std::string& detail) {
    throw format_error(path, code, detail);
  };
  if (text_at(b, 56, 8) != k_end_magic) {
    fail(format_code::trailer, "no larder trailer at the end of the file: it is cut short, or not whole");
  }
  if (get<std::uint64_t>(b, 48) != xxh3_64(b.first(44))) {
    fail(format_code::trailer_checksum, "the trailer does not match its checksum");
  }
  if (const auto major = get<std::uint16_t>(b, 40); major != k_major) {
    fail(format_code::version, "format version " + std::to_string(major) + "; this library reads version 1");
  }
  if (get<std::uint32_t>(b, 32) != 0) {
    fail(format_code::feature, "the file uses features that this version does not know");
  }
  if (const auto length = get<std::uint64_t>(b, 24); length != file_bytes) {
    fail(format_code::filelen, "the trailer speaks of " + std::to_string(length) + " bytes, the file has " +
                                   std::to_string(file_bytes));
  }
  trailer t;
  t.index_offset = get<std::uint64_t>(b, 0);
  t.index_bytes = get<std::uint64_t>(b, 8);
  t.index_checksum = get<std::uint64_t>(b, 16);
  t.compatible_flags = get<std::uint32_t>(b, 36);
  t.minor = get<std::uint16_t>(b, 42);
  t.dirty = text_at(b, 44, 4) == k_dirty;
  if (!t.dirty && get<std::uint32_t>(b, 44) != 0)
    fail(format_code::state, "the state word is neither clean nor dirty");
  const std::uint64_t room = file_bytes - k_block;
  if (t.index_offset > room || t.index_bytes != room - t.index_offset || t.index_bytes > k_index_limit ||
      t.index_bytes < 2 * k_block || t.index_bytes % k_block != 0 || t.index_offset % k_block != 0) {
    fail(format_code::index_bounds, "the index does not lie where the trailer says");
  }
  return t;
}

void check_head(const std::string& path, std::span<const std::byte> b) {
  const auto fail = [&](format_code code, const std::string& detail) {
    throw format_error(path, code, detail);
  };
  if (get<std::uint64_t>(b, 56) != xxh3_64(b.first(56))) {
    fail(format_code::head_checksum, "the head does not match its checksum");
  }
  if (const auto major = get<std::uint16_t>(b, 8); major != k_major) {
    fail(format_code::version, "format version " + std::to_string(major) + "; this library reads version 1");
  }
  if (get<std::uint32_t>(b, 12) != 0) {
    fail(format_code::feature, "the file uses features that this version does not know");
  }
  if (!all_zero(b.subspan(20, 36))) fail(format_code::reserved, "unused bytes of the head are not zero");
}

void check_head(const std::string& path, std::span<const std::byte> head, const trailer& end) {
  // All else in it has one value.
  if (get<std::uint16_t>(head, 10) != end.minor || get<std::uint32_t>(head, 16) != end.compatible_flags) {
    throw format_error(path, format_code::version, "head and trailer speak of different versions");
  }
}

index_head parse_index_head(const std::string& path, std::span<const std::byte> b, const trailer& from) {
  const auto fail = [&](format_code code, const std::string& detail) {
    throw format_error(path, code, detail);
  };
  if (xxh3_64(b) != from.index_checksum)
    fail(format_code::index_checksum, "the index does not match its checksum");
  if (text_at(b, 0, 8) != k_index_magic || get<std::uint64_t>(b, 32) != from.index_offset) {
    fail(format_code::index_bounds, "no index where the trailer says");
  }
  const auto count = get<std::uint32_t>(b, 8);
  if (get<std::uint32_t>(b, 12) != k_block || count == 0 || count != b.size() / k_block - 1) {
    fail(format_code::index_count, "the index has " + std::to_string(b.size() / k_block - 1) +
                                       " entries and speaks of " + std::to_string(count));
  }
  if (get<std::uint32_t>(b, 28) != 0 || !all_zero(b.subspan(40, 24))) {
    fail(format_code::reserved, "unused bytes of the index are not zero");
  }
  return {.segments = count, .fingerprint = get<std::uint64_t>(b, 16), .schema = get<std::uint32_t>(b, 24)};
}

segment parse_index_entry(const std::string& path, std::span<const std::byte> index, std::size_t number) {
  const auto b = index.subspan((number + 1) * k_block, k_block);
  const auto fail = [&](format_code code, const std::string& detail) {
    throw format_error(path, code, detail);
  };
  segment s;
  s.offset = get<std::uint64_t>(b, 0);
  s.stored = get<std::uint64_t>(b, 8);
  s.raw = get<std::uint64_t>(b, 16);
  s.header_bytes = get<std::uint32_t>(b, 24);
  s.extended_dtype = get<std::uint32_t>(b, 48);
  const auto kind = get<std::uint8_t>(b, 28);
  const auto codec = get<std::uint8_t>(b, 29);
  const auto check = get<std::uint8_t>(b, 30);
  const auto log2_alignment = get<std::uint32_t>(b, 52);
  s.digest = {.low = get<std::uint64_t>(b, 32), .high = get<std::uint64_t>(b, 40)};
  s.has_digest = check == k_check_xxh3;

  if (kind < 1 || kind > 3) fail(format_code::kind, "a segment of unknown kind " + std::to_string(kind));
  s.kind = static_cast<segment_kind>(kind);
  const bool array = s.kind == segment_kind::array;
  if (codec > 1) fail(format_code::codec, "a segment of unknown codec " + std::to_string(codec));
  s.codec = static_cast<detail::codec>(codec);
  const bool compressed = s.codec == detail::codec::zstd;
  if (check != k_check_xxh3 && !(check == k_check_none && array && !compressed)) {
    fail(format_code::reserved, "a segment of unknown check " + std::to_string(check));
  }
  if (!s.has_digest && s.digest != digest{}) fail(format_code::reserved, "a digest where there is no check");
  if (get<std::uint8_t>(b, 31) != 0) fail(format_code::reserved, "segment flags are not zero");
  if (s.extended_dtype > (array ? k_extended_bfloat16 : 0)) {
    fail(format_code::dtype, "an extended dtype that this version does not know");
  }
  if (!all_zero(b.subspan(56))) fail(format_code::reserved, "unused bytes of an index entry are not zero");
  if (log2_alignment < k_log2_block || log2_alignment > (array ? k_log2_largest_alignment : k_log2_block) ||
      s.offset % k_block != 0) {
    fail(format_code::align, "a segment is not aligned as it has to be");
  }
  s.alignment = std::uint64_t{1} << log2_alignment;
  if (!compressed && (s.offset + s.header_bytes) % s.alignment != 0) {
    fail(format_code::align, "a segment is not aligned as it says");
  }
  if (s.stored == 0 || (!compressed && s.raw != s.stored) || (!array && s.header_bytes != 0) ||
      s.header_bytes > s.raw) {
    fail(format_code::seg_size, "the lengths of a segment contradict each other");
  }
  if (s.raw > k_small_expansion && (s.raw - 1) / k_most_expansion >= s.stored) {
    fail(format_code::bomb,
         "a segment of " + std::to_string(s.stored) + " bytes that claims to hold " + std::to_string(s.raw));
  }
  return s;
}

}  // namespace larder::detail
