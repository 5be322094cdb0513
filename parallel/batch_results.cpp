#include "parallel/batch_results.hpp"

#include <algorithm>

namespace larder::detail {

void batch_results::begin(std::size_t task) noexcept {
  begin_ = end_ = task;
  stage_.end.store(0, std::memory_order_relaxed);
  stage_.begin.store(task, std::memory_order_release);
}

void batch_results::publish() {
  if (begin_ == end_) return;
  to_.end_at(end_);
  has_files_ = to_.publish() || has_files_;
  begin_ = end_;
  // From here on they are not found twice: the parent takes what is staged only where it goes on from what was published.
  stage_.begin.store(begin_, std::memory_order_release);
}

/// The message as it was before a result that could not be written.
void batch_results::undo(std::size_t before) { to_.message().cut(begin_ == end_ ? 0 : before); }

void batch_results::stage(std::size_t before) noexcept {
  const auto all = to_.message().so_far();
  const auto added = all.subspan(std::max(before, k_head));
  const std::size_t at = all.size() - k_head - added.size();
  std::copy(added.begin(), added.end(), stage_.data.begin() + static_cast<std::ptrdiff_t>(at));
  stage_.bytes.store(all.size() - k_head, std::memory_order_relaxed);
  stage_.end.store(end_, std::memory_order_release);
}

}  // namespace larder::detail
