#include "src/zstd_frames.hpp"

#include <zstd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <string>

#include <larder/error.hpp>

#include "src/cpu_count.hpp"
#include "src/file_parts.hpp"
#include "src/little_endian.hpp"
#include "src/team.hpp"
#include "src/team_loop.hpp"

namespace larder::detail {
namespace {

constexpr std::size_t k_frame_header_bytes = 18;  // at most

struct free_context {
  void operator()(ZSTD_CCtx* c) const noexcept { ZSTD_freeCCtx(c); }
  void operator()(ZSTD_DCtx* c) const noexcept { ZSTD_freeDCtx(c); }
};
using compressor = std::unique_ptr<ZSTD_CCtx, free_context>;
using decompressor = std::unique_ptr<ZSTD_DCtx, free_context>;

decompressor make_decompressor() {
  decompressor context(ZSTD_createDCtx());
  if (!context) throw std::bad_alloc();
  return context;
}

/// The bytes of one frame's content, compressed into `out`.
std::size_t compress(ZSTD_CCtx& context, int level, std::span<const std::byte> content,
                     std::vector<std::byte>& out) {
  out.resize(ZSTD_compressBound(content.size()));
  const std::size_t size =
      ZSTD_compressCCtx(&context, out.data(), out.size(), content.data(), content.size(), level);
  // With room enough and a level that is one, memory is all that it can lack.
  if (ZSTD_isError(size) != 0) throw std::bad_alloc();
  return size;
}

struct frame {
  std::size_t stored;
  std::size_t content;
};

/// One compressed segment, read frame by frame.
class frame_cursor {
 public:
  frame_cursor(const descriptor& file, const segment& of) : file_(file), of_(of), at_(of.offset) {}

  bool at_end() const noexcept { return at_ == of_.end(); }
  std::uint64_t raw_offset() const noexcept { return raw_offset_; }

  /// Reads the next frame to the beginning of `bytes`, which holds more than that afterwards.
  frame next(std::vector<std::byte>& bytes) {
    // Frames of one segment are much alike: the last one says how much to read at once.
    std::size_t wanted = guess_;
    for (;;) {
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(wanted, of_.end() - at_));
      bytes.resize(size);
      read_exactly(file_, bytes, at_);
      const frame found = measure(bytes);
      if (found.stored != 0) {
        if (found.content > of_.raw - raw_offset_) fail_size();
        at_ += found.stored;
        raw_offset_ += found.content;
        if (at_end() && raw_offset_ != of_.raw) fail_size();
        guess_ = found.stored + found.stored / 8 + 4096;
        return found;
      }
      if (size == of_.end() - at_) fail("the compressed data end within a frame");
      if (size >= ZSTD_compressBound(k_frame_bytes)) fail("a frame that is longer than its content can be");
      wanted = std::min(size * 4, ZSTD_compressBound(k_frame_bytes));
    }
  }

  [[noreturn]] void fail(const char* detail) const {
    throw format_error(file_.path(), format_code::codec, detail);
  }

 private:
  [[noreturn]] void fail_size() const {
    throw format_error(file_.path(), format_code::seg_size,
                       "compressed data that do not have the length that the index says");
  }

  /// The frame that the bytes begin with; without a length where they are not all of it.
  frame measure(std::span<const std::byte> bytes) const {
    if (bytes.size() < 4) return {0, 0};
    if (get<std::uint32_t>(bytes, 0) != ZSTD_MAGICNUMBER) fail("what is no zstd frame");
    const unsigned long long content = ZSTD_getFrameContentSize(bytes.data(), bytes.size());
    if (content == ZSTD_CONTENTSIZE_ERROR) {
      if (bytes.size() >= k_frame_header_bytes) fail("a zstd frame whose header is damaged");
      return {0, 0};
    }
    if (content == ZSTD_CONTENTSIZE_UNKNOWN || content == 0 || content > k_frame_bytes) {
      fail("a zstd frame that does not have 1 byte to 4 MiB of content, or does not say so");
    }
    const std::size_t stored = ZSTD_findFrameCompressedSize(bytes.data(), bytes.size());
    if (ZSTD_isError(stored) != 0) return {0, 0};
    return {stored, static_cast<std::size_t>(content)};
  }

  const descriptor& file_;
  const segment& of_;
  std::uint64_t at_;
  std::uint64_t raw_offset_ = 0;
  std::size_t guess_ = std::size_t{64} << 10;
};

bool decompress(ZSTD_DCtx& context, std::span<const std::byte> stored,
                std::span<std::byte> content) noexcept {
  const std::size_t size =
      ZSTD_decompressDCtx(&context, content.data(), content.size(), stored.data(), stored.size());
  return ZSTD_isError(size) == 0 && size == content.size();
}

/// What one thread of a batch works on.
struct slot {
  std::vector<std::byte> stored;
  std::vector<std::byte> scratch;
  std::span<std::byte> content;
  std::uint64_t offset = 0;
  frame size{};
  decompressor context = make_decompressor();
  bool sound = false;
};

}  // namespace

std::uint64_t write_frames(const descriptor& file, std::uint64_t offset, int level, std::size_t count,
                           frame_content content) {
  // The cursor hands out the frames in order. A frame's place in the file is known when all before it are compressed: who
  // has compressed one waits for its turn, which comes, since whoever holds the lowest frame never waits. Under the mutex:
  // turn, end and fault. The writing itself needs no order.
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::condition_variable turned;
  std::size_t turn = 0;
  std::uint64_t end = offset;
  std::exception_ptr fault;

  const auto workers = static_cast<unsigned>(std::min<std::size_t>(cpus_for_core_work(), count));
  run_on_team(workers, [&](unsigned) noexcept {
    try {
      const compressor context(ZSTD_createCCtx());
      if (!context) throw std::bad_alloc();
      std::vector<std::byte> scratch;
      std::vector<std::byte> compressed;
      for (std::size_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < count;) {
        const std::size_t size = compress(*context, level, content(i, scratch), compressed);
        std::uint64_t place = 0;
        {
          std::unique_lock lock(mutex);
          turned.wait(lock, [&] { return turn == i || fault; });
          if (fault) return;
          place = end;
          end += size;
          ++turn;
        }
        turned.notify_all();
        file.write_at(std::span(compressed).first(size), place);
      }
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!fault) fault = std::current_exception();
      next.store(count, std::memory_order_relaxed);
      turned.notify_all();
    }
  });
  if (fault) std::rethrow_exception(fault);
  return end - offset;
}

void read_frames(const descriptor& file, const segment& of, std::uint64_t scratch_bytes, frame_place place,
                 frame_sink sink) {
  frame_cursor cursor(file, of);
  const std::uint64_t most_frames = of.raw / k_frame_bytes + 1;
  const std::uint64_t affordable = scratch_bytes / (2 * k_frame_bytes);
  std::vector<slot> slots(static_cast<std::size_t>(
      std::clamp<std::uint64_t>(std::min(affordable, most_frames), 1, cpus_for_core_work())));
  while (!cursor.at_end()) {
    std::size_t filled = 0;
    for (; filled < slots.size() && !cursor.at_end(); ++filled) {
      slot& each = slots[filled];
      each.offset = cursor.raw_offset();
      each.size = cursor.next(each.stored);
      each.content = place(each.offset, each.size.content);
      if (each.content.empty()) {
        each.scratch.resize(each.size.content);
        each.content = each.scratch;
      }
    }
    for_each_on_team(filled, k_all_processors, [&](std::size_t i) {
      slot& each = slots[i];
      each.sound = decompress(*each.context, std::span(each.stored).first(each.size.stored), each.content);
    });
    for (std::size_t i = 0; i < filled; ++i) {
      if (!slots[i].sound) cursor.fail("compressed data that are damaged");
      sink(slots[i].offset, slots[i].content);
    }
  }
}

std::vector<std::byte> read_front_of_frames(const descriptor& file, const segment& of, std::size_t bytes) {
  frame_cursor cursor(file, of);
  std::vector<std::byte> stored;
  const frame first = cursor.next(stored);
  std::vector<std::byte> content(std::min(first.content, bytes));
  const decompressor context = make_decompressor();
  ZSTD_inBuffer in{stored.data(), first.stored, 0};
  ZSTD_outBuffer out{content.data(), content.size(), 0};
  while (out.pos < out.size) {
    const std::size_t consumed = in.pos;
    const std::size_t produced = out.pos;
    const std::size_t status = ZSTD_decompressStream(context.get(), &out, &in);
    if (ZSTD_isError(status) != 0 || (in.pos == consumed && out.pos == produced)) {
      cursor.fail("compressed data that are damaged");
    }
  }
  return content;
}

}  // namespace larder::detail
