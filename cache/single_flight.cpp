#include "cache/single_flight.hpp"

namespace larder::detail {
namespace {

/// The flights of this thread, the innermost first. A child of fork goes on with those of the thread that forked.
thread_local single_flight* innermost = nullptr;

}  // namespace

single_flight::single_flight(const cache_directory& directory, const digest& key,
                             std::optional<std::chrono::nanoseconds> limit)
    : directory_(directory), key_(key), outer_(innermost) {
  using clock = std::chrono::steady_clock;
  if (limit) {
    const auto now = clock::now();
    if (*limit < clock::time_point::max() - now) until_ = now + *limit;
  }
  if (!is_within_itself()) lock_.emplace(directory_);
  innermost = this;
}

single_flight::~single_flight() { innermost = outer_; }  // closing the file releases its lock

bool single_flight::is_within_itself() const noexcept {
  for (const single_flight* each = outer_; each != nullptr; each = each->outer_) {
    if (each->key_ == key_ && each->directory_.location == directory_.location) return true;
  }
  return false;
}

turn single_flight::next() {
  if (!lock_ || !lock_->is_open()) return turn::compute;
  const std::uint64_t byte = lock_byte(key_);
  if (lock_->try_lock(byte, lock_file::kind::exclusive) != lock_file::result::busy) return turn::compute;
  if (has_waited_) {
    (void)lock_->lock(byte, lock_file::kind::exclusive, until_);
    return turn::compute;
  }
  if (lock_->lock(byte, lock_file::kind::shared, until_) != lock_file::result::locked) return turn::compute;
  lock_->unlock(byte);
  has_waited_ = true;
  return turn::look_again;
}

}  // namespace larder::detail
