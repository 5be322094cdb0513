#include "parallel/shared_log.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <larder/error.hpp>

#include "src/buffer.hpp"
#include "src/fork_safety.hpp"
#include "src/movable_pages.hpp"
#include "src/strided_copy.hpp"

namespace larder::detail {
namespace {

constexpr const char* k_name = "the shared memory of a worker's results";

constexpr std::size_t k_align = 16;
constexpr std::size_t k_largest_window = std::size_t{1} << 20;
constexpr std::size_t k_read_ahead = std::size_t{64} << 10;
/// What was read of a large message is not kept.
constexpr std::size_t k_most_kept = std::size_t{1} << 20;
constexpr std::size_t k_gather_bytes = std::size_t{1} << 20;
/// Messages are given back when there are so many bytes of them; where data of an array follow, when there are these.
constexpr std::uint64_t k_worth_giving_back = std::uint64_t{1} << 20;
constexpr std::uint64_t k_worth_giving_back_before_data = std::uint64_t{64} << 10;

std::uint64_t page() noexcept {
  static const auto bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  return bytes;
}

constexpr std::uint64_t round_up(std::uint64_t n, std::uint64_t to) noexcept {
  return (n + to - 1) / to * to;
}

/// The first few messages, if they are small, are written, and read, by a call each: many a worker sends no more, and a mapping costs as
/// much as several calls.
constexpr std::size_t k_small = 256;
constexpr unsigned k_most_small = 4;

enum class entry_kind : std::uint64_t { message = 1, data = 2 };

struct entry_head {
  entry_kind kind;
  std::uint64_t bytes;
};
static_assert(sizeof(entry_head) == k_align);

[[noreturn]] void fail(std::string_view action) { throw io_error(k_name, action, errno); }

/// Takes the memory now: where there is none this is an error, and not a signal when it is touched.
void take_memory(int fd, std::uint64_t offset, std::uint64_t bytes) {
  int result = 0;
  do {
    result = ::fallocate(fd, 0, static_cast<off_t>(offset), static_cast<off_t>(bytes));
  } while (result != 0 && errno == EINTR);
  if (result != 0) fail("cannot take memory");
}

}  // namespace

/// The log once more in the address space of the reader, without access. Where the log's descriptor is closed, it is the way to give
/// pages back.
class shared_log::space {
 public:
  space() = default;
  space(const space&) = delete;
  space& operator=(const space&) = delete;
  ~space() {
    if (base_ != nullptr) ::munmap(base_, bytes_);
  }

  /// Reaches to `end` from now on, if the system allows.
  void cover(int fd, std::uint64_t end) noexcept {
    const std::lock_guard lock(mutex_);
    if (end <= bytes_) return;
    const std::size_t wanted =
        static_cast<std::size_t>(round_up(std::max(end, 2 * std::uint64_t{bytes_}), page()));
    void* const base = base_ == nullptr ? ::mmap(nullptr, wanted, PROT_NONE, MAP_SHARED, fd, 0)
                                        : ::mremap(base_, bytes_, wanted, MREMAP_MAYMOVE);
    if (base == MAP_FAILED) return;
    base_ = static_cast<std::byte*>(base);
    bytes_ = wanted;
  }

  void give_back(std::uint64_t offset, std::size_t bytes) noexcept {
    const std::lock_guard lock(mutex_);
    if (offset + bytes > bytes_) return;
    // Some kernels remove pages only by way of a mapping that may write to them.
    if (::mprotect(base_, bytes_, PROT_READ | PROT_WRITE) != 0) return;
    ::madvise(base_ + offset, bytes, MADV_REMOVE);
    ::mprotect(base_, bytes_, PROT_NONE);
  }

 private:
  std::mutex mutex_;
  std::byte* base_ = nullptr;
  std::size_t bytes_ = 0;
};

namespace {

/// The data of an array, mapped.
template <class Space>
class mapped_data final : public buffer {
 public:
  mapped_data(std::byte* data, std::size_t bytes, std::uint64_t offset, mmap_mode mode,
              std::shared_ptr<Space> space) noexcept
      : buffer(data, bytes), offset_(offset), mode_(mode), space_(std::move(space)), forks_(fork_count()) {}
  /// The pages go back where nobody else can have them. A child that was forked since may look at them, or be the one that
  /// lets its handle go; they stay then until the last array of the log is gone.
  ~mapped_data() override {
    ::munmap(data(), whole());
    give_back();
  }

  std::optional<mapped_origin> origin() const override { return mapped_origin{{}, offset_, mode_}; }

  /// The log is the worker's as well, and longer than this array: it moves.
  std::optional<placed_buffer> place(const std::string& temp_folder, moving may_move) const override {
    const bool writes = mode_ == mmap_mode::copy_on_write;
    auto placed = pages_.place(data(), size(), writes ? PROT_READ | PROT_WRITE : PROT_READ,
                               writes ? sharing::as_asked : sharing::read_only, temp_folder, may_move);
    if (placed) give_back();
    return placed;
  }

 private:
  std::size_t whole() const noexcept { return static_cast<std::size_t>(round_up(size(), page())); }
  void give_back() const noexcept {
    if (forks_ == fork_count() && !is_given_back_.exchange(true)) space_->give_back(offset_, whole());
  }

  std::uint64_t offset_;
  mmap_mode mode_;
  std::shared_ptr<Space> space_;
  std::uint64_t forks_;
  movable_pages pages_;
  mutable std::atomic<bool> is_given_back_ = false;
};

int new_memfd() {
  const int fd = ::memfd_create("larder results", MFD_CLOEXEC);
  if (fd < 0) fail("cannot create");
  return fd;
}

}  // namespace

shared_log::shared_log() : file_(new_memfd(), k_name) {}
shared_log::shared_log(descriptor file) noexcept : file_(std::move(file)) {}
shared_log::~shared_log() = default;

void shared_log::read(std::span<std::byte> out, std::uint64_t offset) const {
  if (file_.read_at(out, offset) != out.size()) {
    throw format_error(k_name, format_code::truncated, "it ends before what it says is in it");
  }
}

std::shared_ptr<const buffer> shared_log::map(std::uint64_t offset, std::size_t bytes, mmap_mode mode) {
  // Behind the end there is nothing but a signal.
  if (const std::uint64_t there = size(); offset > there || bytes > there - offset)
    throw format_error(k_name, format_code::truncated, "an array ends after the end");
  const bool is_private = mode == mmap_mode::copy_on_write;
  void* const data =
      ::mmap(nullptr, bytes, is_private ? PROT_READ | PROT_WRITE : PROT_READ,
             is_private ? MAP_PRIVATE | MAP_NORESERVE : MAP_SHARED, fd(), static_cast<off_t>(offset));
  if (data == MAP_FAILED) return nullptr;
  try {
    if (!space_) space_ = std::make_shared<space>();
    space_->cover(fd(), offset + round_up(bytes, page()));
    return std::make_shared<mapped_data<space>>(static_cast<std::byte*>(data), bytes, offset, mode, space_);
  } catch (...) {
    ::munmap(data, bytes);
    throw;
  }
}

void shared_log::give_back(std::uint64_t offset, std::uint64_t bytes) const noexcept {
  const std::uint64_t begin = round_up(offset, page());
  const std::uint64_t end = (offset + bytes) / page() * page();
  if (begin >= end) return;
  ::fallocate(fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(begin),
              static_cast<off_t>(end - begin));
}

log_writer::~log_writer() {
  if (window_ != nullptr) ::munmap(window_, window_bytes_);
}

std::byte* log_writer::room(std::size_t bytes) {
  if (window_ == nullptr || end_ + bytes > window_begin_ + window_bytes_) {
    const std::uint64_t begin = end_ / page() * page();
    const std::size_t grown = std::min(2 * window_bytes_, k_largest_window);
    const auto size = static_cast<std::size_t>(
        std::max({round_up(end_ - begin + bytes, page()), std::uint64_t{grown}, page()}));
    take_memory(fd_, begin, size);
    void* const window =
        ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, static_cast<off_t>(begin));
    if (window == MAP_FAILED) fail("cannot map");
    if (window_ != nullptr) ::munmap(window_, window_bytes_);
    window_ = static_cast<std::byte*>(window);
    window_begin_ = begin;
    window_bytes_ = size;
  }
  return window_ + (end_ - window_begin_);
}

void log_writer::append(std::span<const std::byte> message) {
  const auto whole = static_cast<std::size_t>(round_up(sizeof(entry_head) + message.size(), k_align));
  const entry_head head{entry_kind::message, message.size()};
  const auto put = [&](std::byte* at) {
    std::memcpy(at, &head, sizeof head);
    if (!message.empty()) std::memcpy(at + sizeof head, message.data(), message.size());
  };
  if (std::array<std::byte, k_small> entry{};
      window_ == nullptr && whole <= k_small && small_ != k_most_small) {
    put(entry.data());
    write(std::span(entry).first(whole), end_);
    ++small_;
  } else {
    put(room(whole));
  }
  end_ += whole;
}

// By write(), which is faster than a mapping, and which says so where there is no memory. The head comes last: an attempt that
// fails leaves nothing that has an entry.
std::uint64_t log_writer::append_data(const raw_array& a) {
  const std::uint64_t begin = round_up(end_ + sizeof(entry_head), page());
  const std::size_t bytes = a.nbytes();
  if (a.is_row_major()) {
    write({a.data, bytes}, begin);
  } else {
    const std::size_t step = std::max<std::size_t>(k_gather_bytes / a.item(), 1);
    std::vector<std::byte> piece(std::min(step, a.count()) * a.item());
    for (std::size_t done = 0; done < a.count(); done += step) {
      const std::size_t n = std::min(step, a.count() - done);
      gather(a, done, n, piece.data());
      write({piece.data(), n * a.item()}, begin + done * a.item());
    }
  }
  const std::uint64_t end = begin + round_up(bytes, page());
  const entry_head head{entry_kind::data, end - (end_ + sizeof(entry_head))};
  write(std::as_bytes(std::span(&head, 1)), end_);
  end_ = end;
  return begin;
}

void log_writer::write(std::span<const std::byte> bytes, std::uint64_t offset) const {
  constexpr std::size_t k_most_per_call = std::size_t{1} << 30;
  while (!bytes.empty()) {
    const ssize_t n =
        ::pwrite(fd_, bytes.data(), std::min(bytes.size(), k_most_per_call), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) fail("cannot write");
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
  }
}

void log_reader::unmap::operator()(std::byte* window) const noexcept { ::munmap(window, k_largest_window); }

std::optional<std::span<const std::byte>> log_reader::next(std::uint64_t end) {
  while (position_ + sizeof(entry_head) <= end) {
    entry_head head{};
    const auto bytes = fetch(sizeof head, end);
    std::memcpy(&head, bytes.data(), sizeof head);
    if (head.bytes > end - position_ - sizeof head) {
      throw format_error(k_name, format_code::truncated, "an entry ends after the end");
    }
    const auto size = static_cast<std::size_t>(head.bytes);
    if (head.kind == entry_kind::message) {
      const auto message = fetch(sizeof head + size, end).subspan(sizeof head);
      position_ += round_up(sizeof head + size, k_align);
      if (position_ - kept_from_ >= k_worth_giving_back) give_back();
      return message;
    }
    if (position_ - kept_from_ >= k_worth_giving_back_before_data) give_back();
    position_ += sizeof head + size;
    kept_from_ = position_;
  }
  if (bytes_.capacity() > k_most_kept) bytes_ = std::vector<std::byte>();
  return std::nullopt;
}

/// Of the log from position_ on: read with what follows, as many entries are short.
std::span<const std::byte> log_reader::fetch(std::size_t bytes, std::uint64_t end) {
  if (position_ < bytes_at_ || position_ + bytes > bytes_at_ + bytes_.size()) {
    const std::uint64_t there = end - position_;
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(there, std::max(bytes, k_read_ahead)));
    if (size > bytes_.capacity()) bytes_.clear();  // nothing of it has to move
    bytes_.resize(size);
    copy(bytes_);
    bytes_at_ = position_;
  }
  return std::span<const std::byte>(bytes_).subspan(static_cast<std::size_t>(position_ - bytes_at_), bytes);
}

// A copy in any case: what the other side writes meanwhile must not change what was looked at.
void log_reader::copy(std::span<std::byte> out) {
  if (!see(out.size())) return log_->read(out, position_);
  std::memcpy(out.data(), window_.get() + (position_ - window_begin_), out.size());
}

/// Whether so many bytes from position_ on are in the window, which moves there if need be.
bool log_reader::see(std::size_t bytes) {
  if (read_ != k_most_small) {
    ++read_;
    return false;
  }
  const std::uint64_t end = position_ + bytes;
  if (!window_ || end > window_begin_ + k_largest_window) {
    const std::uint64_t begin = position_ / page() * page();
    if (end > begin + k_largest_window) return false;
    void* const window =
        ::mmap(nullptr, k_largest_window, PROT_READ, MAP_SHARED, log_->fd(), static_cast<off_t>(begin));
    if (window == MAP_FAILED) return false;
    window_.reset(static_cast<std::byte*>(window));
    window_begin_ = begin;
  }
  if (end > size_) size_ = log_->size();
  return end <= size_;
}

void log_reader::give_back() {
  log_->give_back(kept_from_, position_ - kept_from_);
  kept_from_ = position_ / page() * page();
}

}  // namespace larder::detail
