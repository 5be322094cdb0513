#include "src/shared_file.hpp"

#include <array>
#include <new>
#include <utility>

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "src/buffer.hpp"

namespace larder::detail {
namespace {

/// Few enough for a process that may have 256 descriptors.
constexpr int k_most_kept = 128;

constinit std::atomic<std::uint64_t> last_id = 0;
constinit std::atomic<int> kept = 0;
constinit std::atomic<std::uint64_t> gone = 0;
constinit std::atomic<void (*)() noexcept> tell_gone = nullptr;

// A handful for all buffers: what takes long under one is moving memory, which two threads do not do faster than one.
constinit std::array<std::mutex, 8> placing;

// Threads that held one are not there in the child.
[[maybe_unused]] const int registered = ::pthread_atfork(nullptr, nullptr, [] {
  for (std::mutex& each : placing) ::new (&each) std::mutex;
});

}  // namespace

bool take_kept_descriptor() noexcept {
  if (kept.fetch_add(1, std::memory_order_relaxed) < k_most_kept) return true;
  give_kept_descriptor();
  return false;
}

void give_kept_descriptor() noexcept { kept.fetch_sub(1, std::memory_order_relaxed); }

void on_files_gone(void (*told)() noexcept) { tell_gone.store(told, std::memory_order_release); }

std::uint64_t files_gone() noexcept { return gone.load(std::memory_order_acquire); }

shared_file::shared_file(descriptor file, bool is_counted) noexcept
    : id_(last_id.fetch_add(1, std::memory_order_relaxed) + 1),
      fd_(std::move(file).release()),
      is_counted_(is_counted) {}

shared_file::shared_file(std::string path, int flags, const file_identity& identity) noexcept
    : id_(last_id.fetch_add(1, std::memory_order_relaxed) + 1),
      fd_(-1),
      path_(std::move(path)),
      flags_(flags),
      identity_(identity) {}

shared_file::~shared_file() {
  if (fd() >= 0) ::close(fd());
  if (is_counted_.load(std::memory_order_relaxed)) give_kept_descriptor();
  if (!sent_.load(std::memory_order_relaxed)) return;
  gone.fetch_add(1, std::memory_order_release);
  if (auto* const tell = tell_gone.load(std::memory_order_acquire)) tell();
}

std::optional<descriptor> shared_file::open_again() const {
  if (!identity_.is_known()) return std::nullopt;
  const int fd = open_fd(path_, flags_, 0);
  if (fd < 0) return std::nullopt;
  descriptor file(fd, path_);
  struct ::stat status {};
  if (::fstat(fd, &status) != 0 || file_identity{status.st_dev, status.st_ino} != identity_)
    return std::nullopt;
  return file;
}

bool shared_file::is_there() const {
  if (fd() >= 0) return true;
  auto file = open_again();
  if (!file) return false;
  if (!take_kept_descriptor()) return true;
  int none = -1;
  const int opened = std::move(*file).release();
  if (fd_.compare_exchange_strong(none, opened, std::memory_order_acq_rel)) {
    is_counted_.store(true, std::memory_order_relaxed);
  } else {  // another thread was at it, too
    ::close(opened);
    give_kept_descriptor();
  }
  return true;
}

bool shared_file::keep() const noexcept {
  if (is_counted_.load(std::memory_order_relaxed)) return true;
  if (!take_kept_descriptor()) return false;
  if (is_counted_.exchange(true, std::memory_order_relaxed)) give_kept_descriptor();
  return true;
}

std::mutex& placing_mutex(const void* buffer) noexcept {
  return placing[reinterpret_cast<std::uintptr_t>(buffer) / 64 % placing.size()];
}

std::optional<placed_array> place(const raw_array& a, const std::string& temp_folder, moving may_move) {
  if (!a.owner) return std::nullopt;
  auto buffer = a.owner->place(temp_folder, may_move);
  if (!buffer) return std::nullopt;
  return placed_array{std::move(buffer->file), buffer->offset, buffer->bytes,
                      static_cast<std::uint64_t>(a.data - buffer->data), buffer->sharing};
}

}  // namespace larder::detail
