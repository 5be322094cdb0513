#include "parallel/task_ranges.hpp"

#include <algorithm>
#include <new>

namespace larder::detail {
namespace {

// Why each unit is handed out once. At any time it is in the word of exactly one slot, or has been taken out of it by exactly
// one worker: a word changes by compare-and-swap, which acts on its latest value and can succeed for one of those who try, and
// by its owner's store, which only an empty word gets, and nobody changes an empty word. That a word has had another
// value in between does no harm, as it says all that there is to know. A worker that sees one word old and another new, as
// relaxed order allows, fails to swap the old one and looks again. So relaxed order is enough.
//
// Who looks while a stolen range is on its way, from its old slot to the new one, does not see it, and may leave: these are
// some nanoseconds, and its thief runs it.

constexpr std::uint64_t k_most_units = 0xffff'ffff;

constexpr std::uint64_t word_of(std::uint64_t begin, std::uint64_t end) { return begin << 32 | end; }
constexpr std::uint64_t begin_of(std::uint64_t word) { return word >> 32; }
constexpr std::uint64_t end_of(std::uint64_t word) { return word & k_most_units; }
constexpr std::uint64_t size_of(std::uint64_t word) { return end_of(word) - begin_of(word); }

constexpr std::size_t quotient_up(std::size_t a, std::size_t b) { return a / b + (a % b != 0 ? 1 : 0); }

}  // namespace

task_ranges::task_ranges(std::size_t count, unsigned workers, std::size_t batch_size) noexcept
    : count_(count), batch_size_(batch_size), workers_(workers) {
  const std::size_t batch = std::max<std::size_t>(batch_size, 1);
  const std::size_t batches = quotient_up(count, batch);
  // Where a unit is of several batches there are more than 2^32 of them: the product is at most about `count`.
  unit_ = batch * std::max<std::size_t>(quotient_up(batches, k_most_units), 1);
  units_ = quotient_up(count, unit_);
  const std::uint64_t each = units_ / workers;
  const std::uint64_t larger = units_ % workers;  // so many ranges have one unit more
  for (std::uint64_t i = 0, begin = 0; i < workers; ++i) {
    const std::uint64_t end = begin + each + (i < larger ? 1 : 0);
    ::new (slots() + i) slot{word_of(begin, end)};
    begin = end;
  }
}

task_ranges& task_ranges::make(void* storage, std::size_t count, unsigned workers,
                               std::size_t batch_size) noexcept {
  return *::new (storage) task_ranges(count, workers, batch_size);
}

task_range task_taker::next() noexcept {
  const bool automatic = from_.batch_size_ == 0;
  if (automatic) measure();
  task_range batch = {0, 0};
  if (!from_.stopped()) {
    if (rest_.empty()) rest_ = take();
    batch = rest_;
    if (!automatic && batch.size() > from_.batch_size_) batch.end = batch.begin + from_.batch_size_;
    rest_.begin = batch.end;
  }
  if (!batch.empty()) ++batches_;
  tasks_ += batch.size();
  return batch;
}

// Units from the front of this worker's range, which is filled from others' when it is empty.
task_range task_taker::take() noexcept {
  constexpr std::uint64_t k_share = 4;  // an automatic batch is at most this part of the range
  std::atomic<std::uint64_t>& own = from_.slots()[worker_].range;
  std::uint64_t word = own.load(std::memory_order_relaxed);
  for (;;) {
    const std::uint64_t left = size_of(word);
    if (left == 0) {
      if (!steal()) return {0, 0};
      word = own.load(std::memory_order_relaxed);
      continue;
    }
    const std::uint64_t most = from_.batch_size_ != 0 ? 1 : std::max<std::uint64_t>(left / k_share, 1);
    size_ = std::min(next_size_, most);
    const std::uint64_t begin = begin_of(word);
    if (own.compare_exchange_weak(word, word_of(begin + size_, end_of(word)), std::memory_order_relaxed))
      return from_.tasks_of(begin, begin + size_);
  }
}

// Moves half of the largest range of another worker, from its back, to this worker's, which is empty. False: there is none.
bool task_taker::steal() noexcept {
  for (;;) {
    std::atomic<std::uint64_t>* largest = nullptr;
    std::uint64_t word = 0;
    // From the next worker on, so that those who look at the same time do not all find the same one of equals.
    for (unsigned i = 1; i < from_.workers_; ++i) {
      std::atomic<std::uint64_t>& each = from_.slots()[(worker_ + i) % from_.workers_].range;
      const std::uint64_t seen = each.load(std::memory_order_relaxed);
      if (size_of(seen) > size_of(word)) {
        largest = &each;
        word = seen;
      }
    }
    if (largest == nullptr) return false;
    const std::uint64_t half = begin_of(word) + size_of(word) / 2;
    if (largest->compare_exchange_strong(word, word_of(begin_of(word), half), std::memory_order_relaxed)) {
      from_.slots()[worker_].range.store(word_of(half, end_of(word)), std::memory_order_relaxed);
      return true;
    }
  }
}

// Chooses the size of the next automatic batch by the time that the last one took.
void task_taker::measure() noexcept {
  constexpr std::chrono::nanoseconds k_short{4'000};
  constexpr std::chrono::nanoseconds k_long{16'000};
  constexpr std::uint64_t k_largest = std::uint64_t{1} << 31;
  const auto now = clock::now();
  if (size_ != 0) {
    const auto took = now - begun_;
    if (took < k_short) {
      if (size_ == next_size_ && next_size_ < k_largest) next_size_ *= 2;
    } else if (took > k_long) {
      const auto fits =
          static_cast<std::uint64_t>(static_cast<double>(size_) * static_cast<double>(k_long.count()) /
                                     static_cast<double>(took.count()));
      next_size_ = std::clamp<std::uint64_t>(fits, 1, next_size_);
    }
  }
  begun_ = now;
}

}  // namespace larder::detail
