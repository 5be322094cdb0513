#include "src/segment_data.hpp"

#include <algorithm>
#include <vector>

#include <larder/error.hpp>

#include "src/array_digest.hpp"
#include "src/file_parts.hpp"
#include "src/team_loop.hpp"
#include "src/xxh3.hpp"
#include "src/zstd_frames.hpp"

namespace larder::detail {
namespace {

[[noreturn]] void refuse_data(const descriptor& file) {
  throw format_error(file.path(), format_code::seg_checksum,
                     "the data do not match their digest: the file is damaged");
}

// A piece that stays in the cache between the reading and the hashing of it.
constexpr std::size_t k_piece_bytes = std::size_t{512} << 10;
// With a piece for each, verifying takes 6 MiB at most.
constexpr unsigned k_most_verifiers = 12;

/// Reads uncompressed data chunk by chunk, on several threads if there are many: to `out`, or, where that is null, to
/// scratch memory, for comparing them with their digest.
void read_chunks(const descriptor& file, const stored_segment& of, const std::optional<digest>& expected,
                 std::byte* out) {
  const npy_header& header = of.header;
  const std::string canonical = canonical_npy_header(header);
  array_digester digester(canonical, header.data_bytes);

  const auto read_chunk = [&](std::size_t i) {
    const std::uint64_t begin = i * std::uint64_t{k_chunk_bytes};
    const std::size_t size = digester.chunk_size(i);
    std::vector<std::byte> scratch(out != nullptr ? 0 : std::min(size, k_piece_bytes));
    xxh3_stream hash;
    digester.begin(hash);
    for (std::size_t done = 0; done < size;) {
      const std::size_t n = std::min(k_piece_bytes, size - done);
      const std::span<std::byte> piece(out != nullptr ? out + begin + done : scratch.data(), n);
      read_exactly(file, piece, of.offset + header.bytes + begin + done);
      if (expected) hash.update(piece);
      done += n;
    }
    digester.take_digest(i, hash.finish());
  };

  const unsigned most = out != nullptr ? k_all_processors : k_most_verifiers;
  for_each_on_team(digester.chunk_count(), most, read_chunk);
  if (expected && digester.finish() != *expected) refuse_data(file);
}

/// Decompresses an array's data, which follow the NPY header, to `out`.
void decompress_data(const descriptor& file, const stored_segment& of, std::byte* out,
                     std::uint64_t scratch_bytes) {
  const std::uint64_t header = of.header_bytes;
  const auto place = [&](std::uint64_t offset, std::size_t size) {
    // The frame with the header (there may be several) goes by way of scratch memory.
    return offset < header ? std::span<std::byte>() : std::span(out + (offset - header), size);
  };
  const auto sink = [&](std::uint64_t offset, std::span<const std::byte> content) {
    if (offset >= header || offset + content.size() <= header) return;
    std::ranges::copy(content.subspan(static_cast<std::size_t>(header - offset)), out);
  };
  read_frames(file, of, scratch_bytes, place, sink);
}

/// Takes an array's bytes in order, in pieces of any size, and hands the digester whole chunks.
class chunk_assembler {
 public:
  explicit chunk_assembler(array_digester& digester) : digester_(digester) { start(); }

  void take(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const std::size_t n = std::min(bytes.size(), chunk_.size() - filled_);
      std::ranges::copy(bytes.first(n), chunk_.begin() + static_cast<std::ptrdiff_t>(filled_));
      filled_ += n;
      bytes = bytes.subspan(n);
      if (filled_ == chunk_.size()) finish();
    }
  }

 private:
  void start() {
    filled_ = 0;
    chunk_.resize(digester_.chunk_size(next_));
    if (chunk_.empty()) finish();
  }
  void finish() {
    digester_.take(next_, chunk_);
    if (++next_ < digester_.chunk_count()) start();
  }

  array_digester& digester_;
  std::vector<std::byte> chunk_;
  std::size_t filled_ = 0;
  std::size_t next_ = 0;
};

}  // namespace

void read_segment(const descriptor& file, const segment& of, std::span<std::byte> out,
                  std::uint64_t scratch_bytes) {
  if (of.codec == codec::raw) return read_exactly(file, out, of.offset);
  const auto place = [&](std::uint64_t offset, std::size_t size) {
    return out.subspan(static_cast<std::size_t>(offset), size);
  };
  read_frames(file, of, scratch_bytes, place, [](std::uint64_t, std::span<const std::byte>) {});
}

void for_each_piece(const descriptor& file, const segment& of,
                    function_ref<void(std::span<const std::byte>)> take) {
  if (of.codec == codec::raw) {
    std::vector<std::byte> piece(static_cast<std::size_t>(std::min<std::uint64_t>(of.stored, k_frame_bytes)));
    for (std::uint64_t done = 0; done < of.stored; done += piece.size()) {
      piece.resize(static_cast<std::size_t>(std::min<std::uint64_t>(of.stored - done, k_frame_bytes)));
      read_exactly(file, piece, of.offset + done);
      take(piece);
    }
    return;
  }
  const auto place = [](std::uint64_t, std::size_t) { return std::span<std::byte>(); };
  const auto sink = [&](std::uint64_t, std::span<const std::byte> content) { take(content); };
  constexpr std::uint64_t k_scratch_bytes = 4 * k_frame_bytes;
  read_frames(file, of, k_scratch_bytes, place, sink);
}

void read_data(const descriptor& file, const stored_segment& of, const std::optional<digest>& expected,
               std::byte* out, std::uint64_t scratch_bytes) {
  if (of.codec == codec::raw) return read_chunks(file, of, expected, out);
  decompress_data(file, of, out, scratch_bytes);
  if (expected) check_data(file, of, *expected, {out, static_cast<std::size_t>(of.header.data_bytes)});
}

void verify_data(const descriptor& file, const stored_segment& of, const digest& expected) {
  if (of.codec == codec::raw) return read_chunks(file, of, expected, nullptr);
  const std::string canonical = canonical_npy_header(of.header);
  array_digester digester(canonical, of.header.data_bytes);
  chunk_assembler chunks(digester);
  const auto place = [](std::uint64_t, std::size_t) { return std::span<std::byte>(); };
  const auto sink = [&](std::uint64_t offset, std::span<const std::byte> content) {
    const std::uint64_t header = of.header_bytes;
    const std::uint64_t skipped =
        offset < header ? std::min<std::uint64_t>(header - offset, content.size()) : 0;
    chunks.take(content.subspan(static_cast<std::size_t>(skipped)));
  };
  constexpr std::uint64_t k_scratch_bytes = 2 * k_frame_bytes;
  read_frames(file, of, k_scratch_bytes, place, sink);
  if (digester.finish() != expected) refuse_data(file);
}

void check_data(const descriptor& file, const stored_segment& of, const digest& expected,
                std::span<const std::byte> data) {
  if (digest_of(canonical_npy_header(of.header), data) != expected) refuse_data(file);
}

}  // namespace larder::detail
