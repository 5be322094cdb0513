#include "cache/single_flight.hpp"

namespace larder::detail {
namespace {

/// The flights of this thread, the innermost first. A child of fork goes on with those of the thread that forked.
thread_local single_flight* innermost = nullptr;

}  // namespace

single_flight::single_flight(const cache_directory& directory, kept_lock_files& files, const digest& key,
                             std::optional<std::chrono::nanoseconds> limit)
    : directory_(directory), key_(key), limit_(limit), outer_(innermost) {
  if (!is_within_itself()) lock_.emplace(files, directory_);
  innermost = this;
}

single_flight::~single_flight() { innermost = outer_; }

bool single_flight::is_within_itself() const noexcept {
  for (const single_flight* each = outer_; each != nullptr; each = each->outer_) {
    if (each->key_ == key_ && each->directory_.location == directory_.location) return true;
  }
  return false;
}

bool single_flight::try_begin() noexcept {
  const lock_file* const file = lock();
  has_begun_ = has_begun_ || file == nullptr ||
               file->try_lock(lock_byte(key_), lock_file::kind::exclusive) != lock_file::result::busy;
  return has_begun_;
}

turn single_flight::next() {
  if (try_begin()) return turn::compute;
  const lock_file* const file = lock();
  const std::uint64_t byte = lock_byte(key_);
  if (has_waited_) {
    (void)file->lock(byte, lock_file::kind::exclusive, until_);
    return turn::compute;
  }
  using clock = std::chrono::steady_clock;
  const auto now = clock::now();
  if (limit_ && *limit_ < clock::time_point::max() - now) until_ = now + *limit_;
  if (file->lock(byte, lock_file::kind::shared, until_) != lock_file::result::locked) return turn::compute;
  file->unlock(byte);
  has_waited_ = true;
  return turn::look_again;
}

}  // namespace larder::detail
