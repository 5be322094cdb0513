#pragma once
// The lock file of a cache directory, or of a store: <location>/.larder-lock. Whoever wants a lock has it open for himself, so that locks
// exclude threads of one process as they exclude processes, and the kernel releases them with their owner, however it ends.
//
//   byte 0 … 15    how many bytes the entries have together (byte_ledger.hpp)
//   byte 16 … 39   of a store: its settings, and locks that say who uses it (store_settings.hpp)
//   from 1024 on   one byte per key: whoever computes a key holds a lock on its byte, beyond the end of the file

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include <sys/types.h>

#include <larder/digest.hpp>

#include "cache/cache_directory.hpp"
#include "src/fork_safety.hpp"

namespace larder::detail {

/// Its name in the directory.
inline constexpr const char* k_lock_file = ".larder-lock";

class lock_file {
 public:
  /// What to do where there is no lock file: make it, and the cache directory if need be; make it in a directory that is there; do
  /// without.
  enum class absent { make, make_file, leave };
  /// Opens it.
  explicit lock_file(const cache_directory& directory, absent where_missing = absent::make);
  /// That of a directory that is open, if it is there.
  explicit lock_file(int directory);

  /// False where it could not be opened, or this is a forked child: then there are no locks.
  bool is_open() const noexcept { return descriptor_.fd() >= 0; }
  int fd() const noexcept { return descriptor_.fd(); }
  /// The errno with which it could not be opened, or 0.
  int fault() const noexcept { return fault_; }

  enum class kind : short { shared, exclusive };
  enum class result { locked, busy, unsupported };

  /// Locks one byte, without waiting: `busy` where somebody else has a lock that excludes it.
  result try_lock(std::uint64_t byte, kind k) const noexcept;
  /// Waits, at most until the deadline (`busy` then).
  using deadline = std::optional<std::chrono::steady_clock::time_point>;
  result lock(std::uint64_t byte, kind k, const deadline& until = {}) const noexcept;
  /// False where the system refuses: then it is locked until this ends.
  bool unlock(std::uint64_t byte) const noexcept;
  /// The same with all that it has locked.
  bool unlock_all() const noexcept;

  /// Whether it is the one that lies in this directory now: it may have been removed, and made anew, or put aside.
  bool lies_in(const std::string& location) const noexcept;
  /// Whether it lies nowhere any more, which takes less than half as long to ask.
  bool is_removed() const noexcept;

 private:
  void note_identity() noexcept;

  unshared_descriptor descriptor_;
  int fault_ = 0;
  // Nobody else's as long as it is open.
  ::dev_t device_ = 0;
  ::ino_t inode_ = 0;
};

/// The byte of a key.
std::uint64_t lock_byte(const digest& key) noexcept;

}  // namespace larder::detail
