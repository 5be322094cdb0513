#pragma once
// Of all the threads and processes that miss on one key at once, one computes and the others wait for its result.
//
//   single_flight flight(directory, files, key, limit);
//   while (…no entry…) { if (flight.next() == turn::compute) …look once more, compute and store…; }

#include <chrono>
#include <optional>

#include <larder/digest.hpp>

#include "cache/cache_directory.hpp"
#include "cache/kept_lock_files.hpp"

namespace larder::detail {

enum class turn {
  compute,     ///< nobody else is at it, or cannot be waited for
  look_again,  ///< somebody was at it, and is not any more
};

/// Made by a thread that missed, or expects to; lives until it has stored what it computed. Locks spare work and are not needed for anything
/// to be right: where there are none (a file system without them, no descriptors), everybody computes.
///
/// Who computes holds an exclusive lock on the key's byte. Those who wait ask for a shared one, which all of them get at
/// the same time, when the owner is done, throws, or dies: they let go, and look again. Where there is still no entry
/// each of them waits for the exclusive lock: if they only tried for it, the shared ones that the others have for a
/// moment could keep it from all of them for ever. A thread that comes back to a key that it is computing itself (only
/// ignored arguments differ) computes, and does not wait for itself.
class single_flight {
 public:
  /// Waits at most that long in all, from when it first has to.
  single_flight(const cache_directory& directory, kept_lock_files& files, const digest& key,
                std::optional<std::chrono::nanoseconds> limit);
  single_flight(const single_flight&) = delete;
  single_flight& operator=(const single_flight&) = delete;
  ~single_flight();

  /// Takes the key's lock, if that takes no waiting: then next() says `compute` at once. True, too, where there are no locks.
  bool try_begin() noexcept;

  /// Returns when it is this thread's turn to do something. After `compute` there has to be a last look: the entry may
  /// have come just before.
  turn next();

  /// The open lock file; null where there is none.
  const lock_file* lock() const noexcept { return lock_ && (*lock_)->is_open() ? &**lock_ : nullptr; }

 private:
  bool is_within_itself() const noexcept;

  const cache_directory& directory_;
  digest key_;
  std::optional<std::chrono::nanoseconds> limit_;
  lock_file::deadline until_;
  single_flight* outer_;  // of this thread
  std::optional<borrowed_lock_file> lock_;
  bool has_begun_ = false;
  bool has_waited_ = false;
};

}  // namespace larder::detail
