#pragma once
// Compressed segments: zstd frames of at most 4 MiB of content each, so that several threads can work on one segment.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <larder/detail/function_ref.hpp>

#include "src/container.hpp"
#include "src/descriptor.hpp"

namespace larder::detail {

inline constexpr std::size_t k_frame_bytes = std::size_t{4} << 20;
inline constexpr int k_highest_level = 19;

/// Gives the content of frame i, which may lie in `scratch`; called by several threads at a time. At most k_frame_bytes.
using frame_content =
    function_ref<std::span<const std::byte>(std::size_t i, std::vector<std::byte>& scratch)>;

/// Compresses `count` frames at a level of 1 to k_highest_level, on several threads, and writes them to the file from
/// `offset` on. Returns the bytes that they take. io_error, std::bad_alloc.
std::uint64_t write_frames(const descriptor& file, std::uint64_t offset, int level, std::size_t count,
                           frame_content content);

/// Room for `size` bytes of content that begin at `offset` of the segment's raw bytes; one that is empty where the caller
/// has no place for them: then they come in memory that is reused.
using frame_place = function_ref<std::span<std::byte>(std::uint64_t offset, std::size_t size)>;
/// Takes the content, in order.
using frame_sink = function_ref<void(std::uint64_t offset, std::span<const std::byte> content)>;

/// Decompresses a segment, several frames at a time, with scratch memory of at most `scratch_bytes` (but what one frame
/// needs). `place` and `sink` are called by this thread, in order. format_error (E_CODEC, E_SEG_SIZE) where the bytes are
/// not frames that together have the segment's raw length.
void read_frames(const descriptor& file, const segment& of, std::uint64_t scratch_bytes, frame_place place,
                 frame_sink sink);

/// The first `bytes` of the content, as far as they are in the first frame, of which no more is decompressed than it
/// takes. format_error.
std::vector<std::byte> read_front_of_frames(const descriptor& file, const segment& of, std::size_t bytes);

}  // namespace larder::detail
