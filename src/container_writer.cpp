#include "src/container_writer.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include <larder/error.hpp>

#include "src/file_parts.hpp"
#include "src/xxh3.hpp"
#include "src/zstd_frames.hpp"

namespace larder::detail {
namespace {

// Below this, asking for the space first costs more than it can save.
constexpr std::uint64_t k_reserve_bytes = std::uint64_t{1} << 20;
// Smaller pieces are copied, so that one call writes many of them.
constexpr std::size_t k_small_piece = std::size_t{16} << 10;
constexpr std::size_t k_most_held_back = std::size_t{64} << 10;

segment array_segment(const array_image& image) {
  return {.raw = image.bytes(),
          .header_bytes = static_cast<std::uint32_t>(image.header().size()),
          .kind = segment_kind::array,
          .has_digest = true,
          .extended_dtype = extended_dtype(image.dtype())};
}

}  // namespace

void check_compress(std::string_view caller, int compress) {
  if (compress < 0 || compress > k_highest_level) {
    throw value_error(std::string(caller) + ": compress = " + std::to_string(compress) + "; 0 (none) to " +
                      std::to_string(k_highest_level) + " are the levels");
  }
}

container_writer::container_writer(const atomic_file& file, const form& how)
    : file_(file.file()), form_(how) {
  if (!form_.head) return;
  append(text_bytes(container_head()));
}

void container_writer::append(std::span<const std::byte> bytes) {
  if (bytes.size() <= k_small_piece) {
    if (held_back_.size() + bytes.size() > k_most_held_back) flush();
    held_back_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  } else {
    flush();
    file_.write_at(bytes, end_);
  }
  end_ += bytes.size();
}

void container_writer::flush() {
  file_.write_at(text_bytes(held_back_), end_ - held_back_.size());
  held_back_.clear();
}

void container_writer::reserve(std::uint64_t bytes_of_segments) {
  if (form_.compress == 0 && bytes_of_segments >= k_reserve_bytes)
    file_.reserve_if_quick(end_ + bytes_of_segments);
  held_back_.reserve(
      static_cast<std::size_t>(std::min<std::uint64_t>(end_ + bytes_of_segments, k_most_held_back)));
}

void container_writer::array(const array_image& image) {
  pad();
  segment added = array_segment(image);
  added.offset = end_;
  if (form_.compress == 0 && image.bytes() <= k_small_piece) {
    added.stored = added.raw;
    if (held_back_.size() + image.bytes() > k_most_held_back) flush();
    added.digest = image.append_to(held_back_);
    end_ += image.bytes();
  } else if (form_.compress == 0) {
    flush();
    added.stored = added.raw;
    added.digest = image.write_to(file_, end_);
  } else {
    flush();
    const auto written = image.compress_to(file_, end_, form_.compress);
    added.codec = codec::zstd;
    added.digest = written.digest;
    added.stored = written.bytes;
  }
  add(added);
}

void container_writer::array_in_place(const array_image& image) {
  segment added = array_segment(image);
  added.digest = image.digest();
  added.stored = added.raw;
  add(added);
}

void container_writer::text(segment_kind kind, std::string_view bytes) {
  pad();
  const auto content = text_bytes(bytes);
  segment added{.offset = end_,
                .stored = content.size(),
                .raw = content.size(),
                .kind = kind,
                .has_digest = true,
                .digest = xxh3_128(content)};
  if (form_.compress != 0 && kind == segment_kind::object) {
    flush();
    const std::size_t frames = (content.size() + k_frame_bytes - 1) / k_frame_bytes;
    added.codec = codec::zstd;
    added.stored =
        write_frames(file_, end_, form_.compress, frames, [&](std::size_t i, std::vector<std::byte>&) {
          const std::size_t begin = i * k_frame_bytes;
          return content.subspan(begin, std::min(k_frame_bytes, content.size() - begin));
        });
  } else {
    append(content);
  }
  add(added);
}

void container_writer::copy(const descriptor& from, const segment& of) {
  pad();
  segment added = of;
  added.offset = end_;
  std::vector<std::byte> piece(static_cast<std::size_t>(std::min<std::uint64_t>(of.stored, k_frame_bytes)));
  for (std::uint64_t done = 0; done < of.stored; done += piece.size()) {
    piece.resize(static_cast<std::size_t>(std::min<std::uint64_t>(of.stored - done, k_frame_bytes)));
    read_exactly(from, piece, of.offset + done);
    append(piece);
  }
  add(added);
}

std::uint64_t container_writer::finish(std::uint64_t fingerprint, std::uint32_t schema) {
  pad();
  index_.fingerprint = fingerprint;
  index_.schema = schema;
  append(text_bytes(index_and_trailer(index_, end_)));
  flush();
  return end_;
}

void container_writer::pad() {
  static constexpr std::array<std::byte, k_block> k_zeros{};
  append(std::span(k_zeros).first(static_cast<std::size_t>(aligned(end_) - end_)));
}

void container_writer::add(segment added) {
  end_ = added.end();
  index_.segments.push_back(added);
}

std::uint64_t write_array(const atomic_file& file, const array_image& image, int compress,
                          std::string_view metadata) {
  container_writer out(file, {.head = compress != 0, .compress = compress});
  const std::uint64_t tail = index_and_trailer_bytes(metadata.empty() ? 1 : 2);
  out.reserve(aligned(aligned(image.bytes()) + metadata.size()) + tail);
  out.array(image);
  if (!metadata.empty()) out.text(segment_kind::metadata, metadata);
  return out.finish();
}

void check_object(std::string_view caller, const object_parts& object) {
  const auto refuse = [&](const std::string& what, std::size_t limit, const char* advice) {
    throw value_error(std::string(caller) + ": " + what + "; the limit is " + std::to_string(limit) + ": " +
                      advice);
  };
  if (object.type.size() > k_type_limit) {
    refuse("a type whose text has " + std::to_string(object.type.size()) + " bytes", k_type_limit,
           "give the types in it shorter names (larder::type_name)");
  }
  constexpr std::size_t k_most_arrays =
      k_index_limit / k_block - 3;  // beside the object, metadata, and the index's head
  if (object.arrays.size() > k_most_arrays) {
    refuse("an object of " + std::to_string(object.arrays.size()) + " arrays", k_most_arrays,
           "put small ones into larger ones, or into vectors");
  }
  if (object.bytes.size() > k_object_limit) {
    refuse("an object of " + std::to_string(object.bytes.size()) + " bytes without its arrays",
           k_object_limit, "put large data into arrays or vectors of elements");
  }
}

std::uint64_t write_object(const atomic_file& file, const object_parts& object, int compress,
                           std::string_view metadata) {
  container_writer out(file, {.head = true, .compress = compress});
  const std::size_t texts = metadata.empty() ? 1 : 2;
  std::uint64_t bytes = index_and_trailer_bytes(object.arrays.size() + texts) + aligned(object.bytes.size()) +
                        aligned(metadata.size());
  for (const raw_array& a : object.arrays) bytes += aligned(array_image(a).bytes());
  out.reserve(bytes);
  for (const raw_array& a : object.arrays) out.array(array_image(a));
  out.text(segment_kind::object, object.bytes);
  if (!metadata.empty()) out.text(segment_kind::metadata, metadata);
  return out.finish(xxh3_64(text_bytes(object.type)), object.schema);
}

void write_bare_npy(const atomic_file& file, const array_image& image) {
  if (image.bytes() >= k_reserve_bytes) file.file().reserve_if_quick(image.bytes());
  image.write_to(file.file(), 0);
}

}  // namespace larder::detail
